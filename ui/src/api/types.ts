// The API's nouns by their names.

import type { components } from "./schema";

type Schemas = components["schemas"];

export type AuditAction = Schemas["Action"];
export type AuditEntity = Schemas["Entity"];
export type AuditEntry = Schemas["AuditEntry"];
export type Attention = Schemas["Attention"];
export type Attempt = Schemas["Attempt"];
export type BulkAction = Schemas["BulkAction"];
export type BulkView = Schemas["BulkView"];
export type Cause = Schemas["taskflow_hub.domain.why.Cause"];
export type Failure = Schemas["Failure"];
export type Key = Schemas["Key"];
export type LimitUse = Schemas["LimitUse"];
export type LogLine = Schemas["LogLine"];
export type Me = Schemas["Me"];
export type Quota = Schemas["Quota"];
export type QuotaUse = Schemas["QuotaUse"];
export type Overview = Schemas["Overview"];
export type QueuePoint = Schemas["QueueTrend"]["points"][number];
export type QueueView = Schemas["QueueView"];
export type Role = Schemas["Role"];
export type Schedule = Schemas["ScheduleView"];
export type Scope = Schemas["Scope"];
export type Setting = Schemas["SettingView"];
export type State = Schemas["State"];
export type Step = Schemas["Step"];
export type Task = Schemas["Task"];
export type TaskType = Schemas["TaskType"];
export type User = Schemas["User"];
export type Why = Schemas["Why"];
export type TypeEnds = Schemas["TypeEnds"];
export type Worker = Schemas["Worker"];
export type Workflow = Schemas["Workflow"];
