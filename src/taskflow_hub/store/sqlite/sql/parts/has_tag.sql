-- Workflows with a tag.
EXISTS (SELECT 1 FROM json_each(workflow.tags) WHERE value = /* tag */)
