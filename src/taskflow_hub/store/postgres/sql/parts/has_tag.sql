-- Workflows with a tag.
/* tag */ = ANY (workflow.tags)
