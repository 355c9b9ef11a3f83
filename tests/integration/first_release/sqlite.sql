PRAGMA application_id = 1413892162;
BEGIN TRANSACTION;
CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL, 
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE attempts (
    task_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    ended_by TEXT NOT NULL,
    started_at INTEGER,
    ended_at INTEGER NOT NULL,
    worker TEXT,
    error TEXT,
    crashed INTEGER NOT NULL DEFAULT 0,         -- it counts in the task's crashes
    PRIMARY KEY (task_id, attempt)
) STRICT, WITHOUT ROWID;
INSERT INTO "attempts" VALUES('01a207e4-419a-7776-b7a8-aa39efd37c48',1,'lost','lost',NULL,1795403045678901,'01a207e4-419b-74c6-b036-6cabef2de34c',NULL,1);
INSERT INTO "attempts" VALUES('01a207e4-419a-7776-b7a8-aa39efd37c48',2,'lost','lost',NULL,1795403045678901,'01a207e4-419d-7228-9b0e-5c8cd3a18a23',NULL,1);
INSERT INTO "attempts" VALUES('01a207e4-41a1-748e-865f-b40690c7b2a1',1,'failed','failed',1795403045678901,1795403045678901,'01a207e4-41a2-770d-8641-b48709a2e405','{"type":"ValueError","message":"oops","traceback":"Traceback …"}',0);
INSERT INTO "attempts" VALUES('01a207e4-41a3-7372-bd6f-4c3dce8ec10a',1,'snoozed','snoozed',1795403045678901,1795403045678901,'01a207e4-41a4-75ee-91ea-ee9a91b49cc3',NULL,0);
INSERT INTO "attempts" VALUES('01a207e4-41a6-76e0-aaae-785c5db2b5d5',1,'released','released',NULL,1795403045678901,'01a207e4-41a6-76e0-aaae-785d8af972d6',NULL,0);
INSERT INTO "attempts" VALUES('01a207e4-41a8-77fc-8c6c-288ddfcc736c',1,'failed','failed',1795403045678901,1795403045678901,'01a207e4-41a8-77fc-8c6c-288eee4e30de','{"type":"ValueError","message":"oops","traceback":"Traceback …"}',0);
CREATE TABLE bulks (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    action TEXT NOT NULL,
    filter TEXT NOT NULL,
    status TEXT NOT NULL,
    total INTEGER NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    finished_at INTEGER,
    cursor TEXT
) STRICT, WITHOUT ROWID;
INSERT INTO "bulks" VALUES('01a20000-0000-7000-8000-000000000001','default','redrive','{"status":["failed"],"type":null,"queue":null,"user":null,"tag":null,"created_after":null,"created_before":"2026-11-23T03:04:05.678901Z"}','running',3,0,0,1795403045678901,NULL,NULL);
INSERT INTO "bulks" VALUES('01a207e4-41b3-77ac-8b49-780baf8e1f63','default','delete','{"status":[],"type":null,"queue":null,"user":null,"tag":"x","created_after":null,"created_before":null}','done',2,1,1,1795403045678901,1795403045678901,NULL);
CREATE TABLE calls (
    task_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    answer TEXT NOT NULL,                       -- [[task id, created], …]
    PRIMARY KEY (task_id, number)
) STRICT, WITHOUT ROWID;
INSERT INTO "calls" VALUES('01a207e4-4191-745a-9718-da1343243d0d',1,'[["01a207e4-4198-766f-8b38-6ebe38a8ff44",true]]');
CREATE TABLE finished_tasks (
    id TEXT NOT NULL PRIMARY KEY,
    status TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    type TEXT NOT NULL,
    queue TEXT NOT NULL,
    priority INTEGER NOT NULL,
    seq INTEGER,
    hold TEXT,
    expires_at INTEGER,
    worker TEXT,
    rev INTEGER NOT NULL,
    leased_at INTEGER,
    taken TEXT,
    missing INTEGER NOT NULL,
    crashes INTEGER NOT NULL,
    transits INTEGER NOT NULL,
    cancel_requested_at INTEGER,
    started_at INTEGER,
    timeout REAL,
    retry_count INTEGER NOT NULL,
    max_retries INTEGER,
    created_at INTEGER NOT NULL,
    tags TEXT NOT NULL,
    traceparent TEXT,
    account_id TEXT NOT NULL,
    user_id TEXT,
    run_at INTEGER,
    finished_at INTEGER NOT NULL,
    outcome TEXT,
    ended_by TEXT,
    reason TEXT,
    retry TEXT NOT NULL,
    progress TEXT,
    error TEXT,
    result TEXT,
    result_ref TEXT,
    unrouted INTEGER NOT NULL,
    unique_key TEXT,
    parent_id TEXT,
    schedule_id TEXT,
    workflow_id TEXT
) STRICT;
INSERT INTO "finished_tasks" VALUES('01a1385d-fb2e-7652-8eaa-985d458b6baa','failed',1,'old','default',5,1,NULL,NULL,'01a207e4-4180-7519-bd17-9840a2a4d519',3,1791947045678901,NULL,0,0,0,NULL,1791947045678901,60.0,0,3,1791947045678901,'["old"]',NULL,'default',NULL,NULL,1791947045678901,'failed','failed','handler','{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true}',NULL,'{"type":"ValueError","message":"oops","traceback":"Traceback …"}',NULL,NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO "finished_tasks" VALUES('01a207e4-4187-75fe-ba05-232c468dd67b','success',1,'rich.01a207e4-4187-75fe-ba05-2329b0e61c8b','rich',7,4,NULL,1873163045678901,'01a207e4-4188-7620-bc78-bb103a67dc63',3,1795403045678901,NULL,0,0,0,NULL,1795403045678901,NULL,0,NULL,1795403045678901,'["a","b,c","\"d\"","{e}"]','00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01','default','Žofie ''quote" \ %s $1 🦊',NULL,1795403045678901,'succeeded','succeeded',NULL,'{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true}',NULL,NULL,'null',NULL,0,NULL,'01a207e4-4187-75fe-ba05-232af295a81a','s1','w1');
INSERT INTO "finished_tasks" VALUES('01a207e4-418a-74f4-898a-5a75106f8883','failed',1,'rich.01a207e4-418a-74f4-898a-5a72c17fb6b9','rich',7,5,NULL,1873163045678901,'01a207e4-418a-74f4-898a-5a768970d75f',3,1795403045678901,NULL,0,0,0,NULL,1795403045678901,NULL,0,NULL,1795403045678901,'["a","b,c","\"d\"","{e}"]','00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01','default','Žofie ''quote" \ %s $1 🦊',NULL,1795403045678901,'failed','failed','handler','{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true}',NULL,'{"type":"ValueError","message":"oops","traceback":"Traceback …"}',NULL,NULL,0,NULL,'01a207e4-418a-74f4-898a-5a73e0b03208','s1','w1');
INSERT INTO "finished_tasks" VALUES('01a207e4-418c-7250-86ab-42583b9d3963','cancelled',1,'rich.01a207e4-418c-7250-86ab-4255f7b60e38','rich',7,6,NULL,1873163045678901,'01a207e4-418d-7492-9cab-c96e5318840e',4,1795403045678901,NULL,0,0,0,1795403045678901,1795403045678901,NULL,0,NULL,1795403045678901,'["a","b,c","\"d\"","{e}"]','00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01','default','Žofie ''quote" \ %s $1 🦊',NULL,1795403045678901,'aborted','aborted',NULL,'{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true}',NULL,NULL,NULL,NULL,0,NULL,'01a207e4-418c-7250-86ab-42566c71fb0d','s1','w1');
INSERT INTO "finished_tasks" VALUES('01a207e4-4190-736d-9b98-4c6575dc9803','skipped',0,'rich.01a207e4-4190-736d-9b98-4c639c4b576c','rich',7,NULL,NULL,1873163045678901,NULL,2,NULL,NULL,0,0,0,NULL,NULL,NULL,0,NULL,1795403045678901,'["a","b,c","\"d\"","{e}"]','00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01','default','Žofie ''quote" \ %s $1 🦊',NULL,1795403045678901,NULL,NULL,NULL,'{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true}',NULL,NULL,NULL,NULL,0,NULL,'01a207e4-4190-736d-9b98-4c64b892e7f6','s1','w1');
INSERT INTO "finished_tasks" VALUES('01a207e4-4198-766f-8b38-6ec00c95272b','success',1,'ended.large','default',5,10,NULL,NULL,'01a207e4-4199-7562-a75a-9af91c79f582',3,1795403045678901,NULL,0,0,0,NULL,1795403045678901,60.0,0,3,1795403045678901,'[]',NULL,'default',NULL,NULL,1795403045678901,'succeeded','succeeded',NULL,'{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true}',NULL,NULL,NULL,'{"storage":"folder","ref":"2b/01a207e4-4198-766f-8b38-6ec00c95272b.1.json","preview":"\"x","size":70000,"ttl":60.0}',0,NULL,NULL,NULL,NULL);
INSERT INTO "finished_tasks" VALUES('01a207e4-419a-7776-b7a8-aa39efd37c48','success',3,'ended.crashed','default',5,11,NULL,NULL,'01a207e4-419f-74e0-954c-d76824cfbd71',7,1795403045678901,NULL,0,2,0,NULL,1795403045678901,60.0,0,3,1795403045678901,'[]',NULL,'default',NULL,NULL,1795403045678901,'succeeded','succeeded',NULL,'{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true}',NULL,NULL,'{"ü":1e3}',NULL,0,NULL,NULL,NULL,NULL);
CREATE TABLE idempotency_keys (
    account_id TEXT NOT NULL,
    route TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    answer TEXT NOT NULL,                       -- [[task id, created], …]
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, route, key)
) STRICT, WITHOUT ROWID;
INSERT INTO "idempotency_keys" VALUES('default','POST /tasks','order-1','ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff','[["01a207e4-41b1-76b6-a3d5-7250cecd0b18",true]]',1795489445678901);
CREATE TABLE log_lines (
    task_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    n INTEGER NOT NULL,
    at INTEGER NOT NULL,
    level TEXT NOT NULL,
    message TEXT NOT NULL,
    fields TEXT NOT NULL,
    PRIMARY KEY (task_id, attempt, n)
) STRICT, WITHOUT ROWID;
INSERT INTO "log_lines" VALUES('01a207e4-4191-745a-9718-da1343243d0d',1,1,1795403045678901,'info','one
two','{"x":1}');
INSERT INTO "log_lines" VALUES('01a207e4-4191-745a-9718-da1343243d0d',1,2,1760843045678901,'warning','a clock that is off','{}');
INSERT INTO "log_lines" VALUES('01a207e4-4191-745a-9718-da1343243d0d',1,3,1829963045678901,'warning','another one','{}');
CREATE TABLE payloads (
    task_id TEXT NOT NULL PRIMARY KEY,
    octets INTEGER NOT NULL,                    -- of the payload: what a list weighs is known without reading them
    payload TEXT NOT NULL
) STRICT;
INSERT INTO "payloads" VALUES('01a1385d-fb2e-7652-8eaa-985d458b6baa',7,'{"n":1}');
INSERT INTO "payloads" VALUES('01a207e4-4183-76ed-9658-95a840db8d16',66,'{"text":"ünïcödé \"quoted\" \\ \t \u2028","n":[1.5,null,true]}');
INSERT INTO "payloads" VALUES('01a207e4-4184-76ec-9fc5-e8df545822ee',66,'{"text":"ünïcödé \"quoted\" \\ \t \u2028","n":[1.5,null,true]}');
INSERT INTO "payloads" VALUES('01a207e4-4185-7742-9f4b-9deeb1a2b938',66,'{"text":"ünïcödé \"quoted\" \\ \t \u2028","n":[1.5,null,true]}');
INSERT INTO "payloads" VALUES('01a207e4-4185-7742-9f4b-9df29176ea88',66,'{"text":"ünïcödé \"quoted\" \\ \t \u2028","n":[1.5,null,true]}');
INSERT INTO "payloads" VALUES('01a207e4-4187-75fe-ba05-232c468dd67b',66,'{"text":"ünïcödé \"quoted\" \\ \t \u2028","n":[1.5,null,true]}');
INSERT INTO "payloads" VALUES('01a207e4-418a-74f4-898a-5a75106f8883',66,'{"text":"ünïcödé \"quoted\" \\ \t \u2028","n":[1.5,null,true]}');
INSERT INTO "payloads" VALUES('01a207e4-418c-7250-86ab-42583b9d3963',66,'{"text":"ünïcödé \"quoted\" \\ \t \u2028","n":[1.5,null,true]}');
INSERT INTO "payloads" VALUES('01a207e4-4190-736d-9b98-4c6575dc9803',66,'{"text":"ünïcödé \"quoted\" \\ \t \u2028","n":[1.5,null,true]}');
INSERT INTO "payloads" VALUES('01a207e4-4191-745a-9718-da1343243d0d',7,'{"n":1}');
INSERT INTO "payloads" VALUES('01a207e4-4195-760d-bc0e-1f28b5fb7e84',7,'{"n":1}');
INSERT INTO "payloads" VALUES('01a207e4-4198-766f-8b38-6ebe38a8ff44',7,'{"n":1}');
INSERT INTO "payloads" VALUES('01a207e4-4198-766f-8b38-6ec00c95272b',7,'{"n":1}');
INSERT INTO "payloads" VALUES('01a207e4-419a-7776-b7a8-aa39efd37c48',7,'{"n":1}');
INSERT INTO "payloads" VALUES('01a207e4-41a1-748e-865f-b40690c7b2a1',7,'{"n":1}');
INSERT INTO "payloads" VALUES('01a207e4-41a3-7372-bd6f-4c3dce8ec10a',7,'{"n":1}');
INSERT INTO "payloads" VALUES('01a207e4-41a6-76e0-aaae-785c5db2b5d5',7,'{"n":1}');
INSERT INTO "payloads" VALUES('01a207e4-41a8-77fc-8c6c-288ddfcc736c',7,'{"n":1}');
INSERT INTO "payloads" VALUES('01a207e4-41ab-72ba-9e61-1b038100e11a',7,'{"n":1}');
INSERT INTO "payloads" VALUES('01a207e4-41b1-76b6-a3d5-7250cecd0b18',7,'{"n":1}');
INSERT INTO "payloads" VALUES('01a207e4-41b2-7426-b060-1030cfc61a64',7,'{"n":1}');
INSERT INTO "payloads" VALUES('01a207e4-41b4-7354-b6ff-3852ce7d27c2',7,'{"n":1}');
INSERT INTO "payloads" VALUES('01a207e4-41b4-7354-b6ff-3853f994ac9d',7,'{"n":1}');
INSERT INTO "payloads" VALUES('01a207e4-41b4-7354-b6ff-38547c0f2303',7,'{"n":1}');
INSERT INTO "payloads" VALUES('01a207e4-41b4-7354-b6ff-385558297b7f',7,'{"n":1}');
CREATE TABLE queues (
    name TEXT NOT NULL PRIMARY KEY,
    paused INTEGER NOT NULL DEFAULT 0,
    max_size INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO "queues" VALUES('bounded',0,7);
INSERT INTO "queues" VALUES('paused',1,NULL);
CREATE TABLE rollups (
    account_id TEXT NOT NULL,
    minute INTEGER NOT NULL,                    -- its start
    queue TEXT NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (account_id, minute, queue, type, status)
) STRICT, WITHOUT ROWID;
INSERT INTO "rollups" VALUES('default',1791947040000000,'default','old','failed',1);
INSERT INTO "rollups" VALUES('default',1795403040000000,'default','again.redriven','failed',1);
INSERT INTO "rollups" VALUES('default',1795403040000000,'default','ended.crashed','success',1);
INSERT INTO "rollups" VALUES('default',1795403040000000,'default','ended.large','success',1);
INSERT INTO "rollups" VALUES('default',1795403040000000,'rich','rich.01a207e4-4187-75fe-ba05-2329b0e61c8b','success',1);
INSERT INTO "rollups" VALUES('default',1795403040000000,'rich','rich.01a207e4-418a-74f4-898a-5a72c17fb6b9','failed',1);
INSERT INTO "rollups" VALUES('default',1795403040000000,'rich','rich.01a207e4-418c-7250-86ab-4255f7b60e38','cancelled',1);
CREATE TABLE sequence (
    last INTEGER NOT NULL
) STRICT;
INSERT INTO "sequence" VALUES(23);
CREATE TABLE task_tags (
    account_id TEXT NOT NULL,
    tag TEXT NOT NULL,
    task_id TEXT NOT NULL,
    PRIMARY KEY (account_id, tag, task_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "task_tags" VALUES('default','"d"','01a207e4-4183-76ed-9658-95a840db8d16');
INSERT INTO "task_tags" VALUES('default','"d"','01a207e4-4184-76ec-9fc5-e8df545822ee');
INSERT INTO "task_tags" VALUES('default','"d"','01a207e4-4185-7742-9f4b-9deeb1a2b938');
INSERT INTO "task_tags" VALUES('default','"d"','01a207e4-4185-7742-9f4b-9df29176ea88');
INSERT INTO "task_tags" VALUES('default','"d"','01a207e4-4187-75fe-ba05-232c468dd67b');
INSERT INTO "task_tags" VALUES('default','"d"','01a207e4-418a-74f4-898a-5a75106f8883');
INSERT INTO "task_tags" VALUES('default','"d"','01a207e4-418c-7250-86ab-42583b9d3963');
INSERT INTO "task_tags" VALUES('default','"d"','01a207e4-4190-736d-9b98-4c6575dc9803');
INSERT INTO "task_tags" VALUES('default','a','01a207e4-4183-76ed-9658-95a840db8d16');
INSERT INTO "task_tags" VALUES('default','a','01a207e4-4184-76ec-9fc5-e8df545822ee');
INSERT INTO "task_tags" VALUES('default','a','01a207e4-4185-7742-9f4b-9deeb1a2b938');
INSERT INTO "task_tags" VALUES('default','a','01a207e4-4185-7742-9f4b-9df29176ea88');
INSERT INTO "task_tags" VALUES('default','a','01a207e4-4187-75fe-ba05-232c468dd67b');
INSERT INTO "task_tags" VALUES('default','a','01a207e4-418a-74f4-898a-5a75106f8883');
INSERT INTO "task_tags" VALUES('default','a','01a207e4-418c-7250-86ab-42583b9d3963');
INSERT INTO "task_tags" VALUES('default','a','01a207e4-4190-736d-9b98-4c6575dc9803');
INSERT INTO "task_tags" VALUES('default','b,c','01a207e4-4183-76ed-9658-95a840db8d16');
INSERT INTO "task_tags" VALUES('default','b,c','01a207e4-4184-76ec-9fc5-e8df545822ee');
INSERT INTO "task_tags" VALUES('default','b,c','01a207e4-4185-7742-9f4b-9deeb1a2b938');
INSERT INTO "task_tags" VALUES('default','b,c','01a207e4-4185-7742-9f4b-9df29176ea88');
INSERT INTO "task_tags" VALUES('default','b,c','01a207e4-4187-75fe-ba05-232c468dd67b');
INSERT INTO "task_tags" VALUES('default','b,c','01a207e4-418a-74f4-898a-5a75106f8883');
INSERT INTO "task_tags" VALUES('default','b,c','01a207e4-418c-7250-86ab-42583b9d3963');
INSERT INTO "task_tags" VALUES('default','b,c','01a207e4-4190-736d-9b98-4c6575dc9803');
INSERT INTO "task_tags" VALUES('default','old','01a1385d-fb2e-7652-8eaa-985d458b6baa');
INSERT INTO "task_tags" VALUES('default','{e}','01a207e4-4183-76ed-9658-95a840db8d16');
INSERT INTO "task_tags" VALUES('default','{e}','01a207e4-4184-76ec-9fc5-e8df545822ee');
INSERT INTO "task_tags" VALUES('default','{e}','01a207e4-4185-7742-9f4b-9deeb1a2b938');
INSERT INTO "task_tags" VALUES('default','{e}','01a207e4-4185-7742-9f4b-9df29176ea88');
INSERT INTO "task_tags" VALUES('default','{e}','01a207e4-4187-75fe-ba05-232c468dd67b');
INSERT INTO "task_tags" VALUES('default','{e}','01a207e4-418a-74f4-898a-5a75106f8883');
INSERT INTO "task_tags" VALUES('default','{e}','01a207e4-418c-7250-86ab-42583b9d3963');
INSERT INTO "task_tags" VALUES('default','{e}','01a207e4-4190-736d-9b98-4c6575dc9803');
CREATE TABLE task_types (
    type TEXT NOT NULL PRIMARY KEY,
    queue TEXT NOT NULL,
    on_lost TEXT NOT NULL,
    document TEXT NOT NULL                      -- the whole declaration
) STRICT, WITHOUT ROWID;
INSERT INTO "task_types" VALUES('again.redriven','default','retry','{"type":"again.redriven","queue":"default","description":"","max_retries":3,"retry":{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true},"timeout":3600.0,"on_lost":"retry","payload_schema":{},"result_schema":{}}');
INSERT INTO "task_types" VALUES('again.released','default','retry','{"type":"again.released","queue":"default","description":"","max_retries":3,"retry":{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true},"timeout":3600.0,"on_lost":"retry","payload_schema":{},"result_schema":{}}');
INSERT INTO "task_types" VALUES('again.retried','default','retry','{"type":"again.retried","queue":"default","description":"","max_retries":3,"retry":{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true},"timeout":3600.0,"on_lost":"retry","payload_schema":{},"result_schema":{}}');
INSERT INTO "task_types" VALUES('again.snoozed','default','retry','{"type":"again.snoozed","queue":"default","description":"","max_retries":3,"retry":{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true},"timeout":3600.0,"on_lost":"retry","payload_schema":{},"result_schema":{}}');
INSERT INTO "task_types" VALUES('declared','home','retry','{"type":"declared","queue":"home","description":"What it says of itself.","max_retries":3,"retry":{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true},"timeout":3600.0,"on_lost":"retry","payload_schema":{},"result_schema":{}}');
INSERT INTO "task_types" VALUES('draining','default','retry','{"type":"draining","queue":"default","description":"","max_retries":3,"retry":{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true},"timeout":3600.0,"on_lost":"retry","payload_schema":{},"result_schema":{}}');
INSERT INTO "task_types" VALUES('ended.crashed','default','retry','{"type":"ended.crashed","queue":"default","description":"","max_retries":3,"retry":{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true},"timeout":3600.0,"on_lost":"retry","payload_schema":{},"result_schema":{}}');
INSERT INTO "task_types" VALUES('ended.large','default','retry','{"type":"ended.large","queue":"default","description":"","max_retries":3,"retry":{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true},"timeout":3600.0,"on_lost":"retry","payload_schema":{},"result_schema":{}}');
INSERT INTO "task_types" VALUES('old','default','retry','{"type":"old","queue":"default","description":"","max_retries":3,"retry":{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true},"timeout":3600.0,"on_lost":"retry","payload_schema":{},"result_schema":{}}');
INSERT INTO "task_types" VALUES('retired','default','retry','{"type":"retired","queue":"default","description":"","max_retries":3,"retry":{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true},"timeout":3600.0,"on_lost":"retry","payload_schema":{},"result_schema":{}}');
INSERT INTO "task_types" VALUES('rich.01a207e4-4185-7742-9f4b-9deffa8ae1d9','default','retry','{"type":"rich.01a207e4-4185-7742-9f4b-9deffa8ae1d9","queue":"default","description":"","max_retries":3,"retry":{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true},"timeout":3600.0,"on_lost":"retry","payload_schema":{},"result_schema":{}}');
INSERT INTO "task_types" VALUES('rich.01a207e4-4187-75fe-ba05-2329b0e61c8b','default','retry','{"type":"rich.01a207e4-4187-75fe-ba05-2329b0e61c8b","queue":"default","description":"","max_retries":3,"retry":{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true},"timeout":3600.0,"on_lost":"retry","payload_schema":{},"result_schema":{}}');
INSERT INTO "task_types" VALUES('rich.01a207e4-418a-74f4-898a-5a72c17fb6b9','default','retry','{"type":"rich.01a207e4-418a-74f4-898a-5a72c17fb6b9","queue":"default","description":"","max_retries":3,"retry":{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true},"timeout":3600.0,"on_lost":"retry","payload_schema":{},"result_schema":{}}');
INSERT INTO "task_types" VALUES('rich.01a207e4-418c-7250-86ab-4255f7b60e38','default','retry','{"type":"rich.01a207e4-418c-7250-86ab-4255f7b60e38","queue":"default","description":"","max_retries":3,"retry":{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true},"timeout":3600.0,"on_lost":"retry","payload_schema":{},"result_schema":{}}');
INSERT INTO "task_types" VALUES('running.asked','default','retry','{"type":"running.asked","queue":"default","description":"","max_retries":3,"retry":{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true},"timeout":3600.0,"on_lost":"retry","payload_schema":{},"result_schema":{}}');
INSERT INTO "task_types" VALUES('running.started','default','retry','{"type":"running.started","queue":"default","description":"","max_retries":3,"retry":{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true},"timeout":3600.0,"on_lost":"retry","payload_schema":{},"result_schema":{}}');
INSERT INTO "task_types" VALUES('somebody.else','default','retry','{"type":"somebody.else","queue":"default","description":"","max_retries":3,"retry":{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true},"timeout":3600.0,"on_lost":"retry","payload_schema":{},"result_schema":{}}');
CREATE TABLE tasks (
    id TEXT NOT NULL PRIMARY KEY,
    status TEXT NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0,
    type TEXT NOT NULL,
    queue TEXT NOT NULL,
    priority INTEGER NOT NULL,
    seq INTEGER,                                -- place in the queue; null until first queued
    hold TEXT,
    expires_at INTEGER,
    worker TEXT,                                -- the owner while running, then who ran the last attempt
    rev INTEGER NOT NULL DEFAULT 1,
    leased_at INTEGER,
    taken TEXT,                                 -- while running: what the owner last said of it
    missing INTEGER NOT NULL DEFAULT 0,         -- while running: successive late heartbeats that did not list it; -1: its loss counts nothing
    crashes INTEGER NOT NULL DEFAULT 0,
    transits INTEGER NOT NULL DEFAULT 0,
    cancel_requested_at INTEGER,
    started_at INTEGER,
    timeout REAL,
    retry_count INTEGER NOT NULL DEFAULT 0,
    max_retries INTEGER,
    created_at INTEGER NOT NULL,
    tags TEXT NOT NULL DEFAULT '[]',
    traceparent TEXT,
    account_id TEXT NOT NULL,
    user_id TEXT,
    run_at INTEGER,
    finished_at INTEGER,
    outcome TEXT,                               -- how the attempt that ended the task ended
    ended_by TEXT,                              -- the kind of report that ended it: tells a duplicate from a stale one
    reason TEXT,
    retry TEXT NOT NULL,
    progress TEXT,
    error TEXT,
    result TEXT,
    result_ref TEXT,
    unrouted INTEGER NOT NULL DEFAULT 0,        -- submitted without a queue, of a type nobody had registered
    unique_key TEXT,
    parent_id TEXT,
    schedule_id TEXT,
    workflow_id TEXT
) STRICT;
INSERT INTO "tasks" VALUES('01a207e4-4183-76ed-9658-95a840db8d16','scheduled',0,'rich.01a207e4-4183-76ed-9658-95a617c86a13','rich',7,NULL,NULL,1873163045678901,NULL,1,NULL,NULL,0,0,0,NULL,NULL,NULL,0,NULL,1795403045678901,'["a","b,c","\"d\"","{e}"]','00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01','default','Žofie ''quote" \ %s $1 🦊',1804043045678901,NULL,NULL,NULL,NULL,'{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true}',NULL,NULL,NULL,NULL,0,NULL,'01a207e4-4183-76ed-9658-95a73b58e5ae','s1','w1');
INSERT INTO "tasks" VALUES('01a207e4-4184-76ec-9fc5-e8df545822ee','blocked',0,'rich.01a207e4-4184-76ec-9fc5-e8dd1a86f3f1','rich',7,NULL,NULL,1873163045678901,NULL,1,NULL,NULL,0,0,0,NULL,NULL,NULL,0,NULL,1795403045678901,'["a","b,c","\"d\"","{e}"]','00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01','default','Žofie ''quote" \ %s $1 🦊',NULL,NULL,NULL,NULL,NULL,'{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true}',NULL,NULL,NULL,NULL,0,NULL,'01a207e4-4184-76ec-9fc5-e8de1d07f34c','s1','w1');
INSERT INTO "tasks" VALUES('01a207e4-4185-7742-9f4b-9deeb1a2b938','queued',0,'rich.01a207e4-4185-7742-9f4b-9dec7be55f35','rich',7,2,'no_worker',1873163045678901,NULL,2,NULL,NULL,0,0,0,NULL,NULL,NULL,0,NULL,1795403045678901,'["a","b,c","\"d\"","{e}"]','00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01','default','Žofie ''quote" \ %s $1 🦊',NULL,NULL,NULL,NULL,NULL,'{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true}',NULL,NULL,NULL,NULL,0,NULL,'01a207e4-4185-7742-9f4b-9deda1b264c0','s1','w1');
INSERT INTO "tasks" VALUES('01a207e4-4185-7742-9f4b-9df29176ea88','running',1,'rich.01a207e4-4185-7742-9f4b-9deffa8ae1d9','rich',7,3,NULL,1873163045678901,'01a207e4-4186-7022-b608-aadb19cdcc4d',2,1795403045678901,'unknown',0,0,0,NULL,NULL,NULL,0,NULL,1795403045678901,'["a","b,c","\"d\"","{e}"]','00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01','default','Žofie ''quote" \ %s $1 🦊',NULL,NULL,NULL,NULL,NULL,'{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true}',NULL,NULL,NULL,NULL,0,NULL,'01a207e4-4185-7742-9f4b-9df0c56ac8ee','s1','w1');
INSERT INTO "tasks" VALUES('01a207e4-4191-745a-9718-da1343243d0d','running',1,'running.started','default',5,7,NULL,NULL,'01a207e4-4191-745a-9718-da147b406b3b',4,1795403045678901,'started',0,0,0,NULL,1795403045678901,60.0,0,3,1795403045678901,'[]',NULL,'default',NULL,NULL,NULL,NULL,NULL,NULL,'{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true}','{"fraction":0.5,"message":"half of it","at":"2026-11-23T03:04:05.678901Z"}',NULL,NULL,NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO "tasks" VALUES('01a207e4-4195-760d-bc0e-1f28b5fb7e84','running',1,'running.asked','default',5,8,NULL,NULL,'01a207e4-4196-71ff-bd98-aadabde63b01',3,1795403045678901,'unknown',0,0,0,1795403045678901,NULL,60.0,0,3,1795403045678901,'[]',NULL,'default',NULL,NULL,NULL,NULL,NULL,NULL,'{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true}',NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO "tasks" VALUES('01a207e4-4198-766f-8b38-6ebe38a8ff44','queued',0,'child','default',5,9,'no_worker',NULL,NULL,2,NULL,NULL,0,0,0,NULL,NULL,60.0,0,3,1795403045678901,'[]',NULL,'default',NULL,NULL,NULL,NULL,NULL,NULL,'{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true}',NULL,NULL,NULL,NULL,1,NULL,'01a207e4-4191-745a-9718-da1343243d0d',NULL,NULL);
INSERT INTO "tasks" VALUES('01a207e4-41a1-748e-865f-b40690c7b2a1','scheduled',1,'again.retried','default',5,12,NULL,NULL,NULL,3,NULL,NULL,0,0,0,NULL,NULL,60.0,1,3,1795403045678901,'[]',NULL,'default',NULL,1795403055678901,NULL,NULL,NULL,NULL,'{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true}',NULL,'{"type":"ValueError","message":"oops","traceback":"Traceback …"}',NULL,NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO "tasks" VALUES('01a207e4-41a3-7372-bd6f-4c3dce8ec10a','scheduled',1,'again.snoozed','default',5,13,NULL,NULL,NULL,3,NULL,NULL,0,0,0,NULL,NULL,60.0,0,3,1795403045678901,'[]',NULL,'default',NULL,1829963045678901,NULL,NULL,NULL,NULL,'{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true}',NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO "tasks" VALUES('01a207e4-41a6-76e0-aaae-785c5db2b5d5','running',2,'again.released','default',5,14,NULL,NULL,'01a207e4-41a6-76e0-aaae-785d8af972d6',4,1795403045678901,'unknown',0,0,0,NULL,NULL,60.0,0,3,1795403045678901,'[]',NULL,'default',NULL,NULL,NULL,NULL,'released',NULL,'{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true}',NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO "tasks" VALUES('01a207e4-41a8-77fc-8c6c-288ddfcc736c','running',2,'again.redriven','default',5,16,NULL,NULL,'01a207e4-41a8-77fc-8c6c-288eee4e30de',5,1795403045678901,'unknown',0,0,0,NULL,NULL,60.0,0,3,1795403045678901,'[]',NULL,'default',NULL,NULL,NULL,NULL,NULL,NULL,'{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true}',NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO "tasks" VALUES('01a207e4-41ab-72ba-9e61-1b038100e11a','queued',0,'nobody.knows.it','default',5,17,'no_worker',NULL,NULL,2,NULL,NULL,0,0,0,NULL,NULL,60.0,0,3,1795403045678901,'[]',NULL,'default',NULL,NULL,NULL,NULL,NULL,NULL,'{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true}',NULL,NULL,NULL,NULL,1,NULL,NULL,NULL,NULL);
INSERT INTO "tasks" VALUES('01a207e4-41b1-76b6-a3d5-7250cecd0b18','queued',0,'keyed','default',5,18,NULL,NULL,NULL,1,NULL,NULL,0,0,0,NULL,NULL,60.0,0,3,1795403045678901,'[]',NULL,'default',NULL,NULL,NULL,NULL,NULL,NULL,'{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true}',NULL,NULL,NULL,NULL,1,NULL,NULL,NULL,NULL);
INSERT INTO "tasks" VALUES('01a207e4-41b2-7426-b060-1030cfc61a64','queued',0,'unique','default',5,19,NULL,NULL,NULL,1,NULL,NULL,0,0,0,NULL,NULL,60.0,0,3,1795403045678901,'[]',NULL,'default',NULL,NULL,NULL,NULL,NULL,NULL,'{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true}',NULL,NULL,NULL,NULL,1,'only one',NULL,NULL,NULL);
INSERT INTO "tasks" VALUES('01a207e4-41b4-7354-b6ff-3852ce7d27c2','queued',0,'line','line',5,20,NULL,NULL,NULL,1,NULL,NULL,0,0,0,NULL,NULL,60.0,0,3,1795403045678901,'[]',NULL,'default',NULL,NULL,NULL,NULL,NULL,NULL,'{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true}',NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO "tasks" VALUES('01a207e4-41b4-7354-b6ff-3853f994ac9d','queued',0,'line','line',9,21,NULL,NULL,NULL,1,NULL,NULL,0,0,0,NULL,NULL,60.0,0,3,1795403045678901,'[]',NULL,'default',NULL,NULL,NULL,NULL,NULL,NULL,'{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true}',NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO "tasks" VALUES('01a207e4-41b4-7354-b6ff-38547c0f2303','queued',0,'line','line',0,22,NULL,NULL,NULL,1,NULL,NULL,0,0,0,NULL,NULL,60.0,0,3,1795403045678901,'[]',NULL,'default',NULL,NULL,NULL,NULL,NULL,NULL,'{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true}',NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO "tasks" VALUES('01a207e4-41b4-7354-b6ff-385558297b7f','queued',0,'line','line',5,23,NULL,NULL,NULL,1,NULL,NULL,0,0,0,NULL,NULL,60.0,0,3,1795403045678901,'[]',NULL,'default',NULL,NULL,NULL,NULL,NULL,NULL,'{"kind":"exponential","base":1.0,"factor":2.0,"max":300.0,"jitter":true}',NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL);
CREATE TABLE unique_keys (
    account_id TEXT NOT NULL,
    type TEXT NOT NULL,
    key TEXT NOT NULL,
    task_id TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (account_id, type, key)
) STRICT, WITHOUT ROWID;
INSERT INTO "unique_keys" VALUES('default','unique','only one','01a207e4-41b2-7426-b060-1030cfc61a64',1795406645678901);
CREATE TABLE workers (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    version TEXT NOT NULL,
    state TEXT NOT NULL,
    slots INTEGER NOT NULL,
    window INTEGER NOT NULL,
    queues TEXT NOT NULL,
    types TEXT NOT NULL,
    registered_at INTEGER NOT NULL,
    last_beat_at INTEGER NOT NULL,
    died_at INTEGER,
    beats INTEGER NOT NULL DEFAULT 0,
    stuck TEXT NOT NULL DEFAULT '[]',
    loop_lag_s REAL NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
INSERT INTO "workers" VALUES('01a207e4-4180-7519-bd17-9840a2a4d519','w','h',1,'1','alive',100,0,'[]','["old"]',1791947045678901,1791947045678901,NULL,0,'[]',0.0);
INSERT INTO "workers" VALUES('01a207e4-4186-7022-b608-aadb19cdcc4d','w','h',1,'1','alive',100,0,'[]','["rich.01a207e4-4185-7742-9f4b-9deffa8ae1d9"]',1795403045678901,1795403045678901,NULL,0,'[]',0.0);
INSERT INTO "workers" VALUES('01a207e4-4188-7620-bc78-bb103a67dc63','w','h',1,'1','alive',100,0,'[]','["rich.01a207e4-4187-75fe-ba05-2329b0e61c8b"]',1795403045678901,1795403045678901,NULL,0,'[]',0.0);
INSERT INTO "workers" VALUES('01a207e4-418a-74f4-898a-5a768970d75f','w','h',1,'1','alive',100,0,'[]','["rich.01a207e4-418a-74f4-898a-5a72c17fb6b9"]',1795403045678901,1795403045678901,NULL,0,'[]',0.0);
INSERT INTO "workers" VALUES('01a207e4-418d-7492-9cab-c96e5318840e','w','h',1,'1','alive',100,0,'[]','["rich.01a207e4-418c-7250-86ab-4255f7b60e38"]',1795403045678901,1795403045678901,NULL,0,'[]',0.0);
INSERT INTO "workers" VALUES('01a207e4-4191-745a-9718-da147b406b3b','w','h',1,'1','alive',100,0,'[]','["running.started"]',1795403045678901,1795403045678901,NULL,1,'["01a207e4-4191-745a-9718-da1343243d0d"]',0.25);
INSERT INTO "workers" VALUES('01a207e4-4196-71ff-bd98-aadabde63b01','w','h',1,'1','alive',100,0,'[]','["running.asked"]',1795403045678901,1795403045678901,NULL,0,'[]',0.0);
INSERT INTO "workers" VALUES('01a207e4-4199-7562-a75a-9af91c79f582','w','h',1,'1','alive',100,0,'[]','["ended.large"]',1795403045678901,1795403045678901,NULL,0,'[]',0.0);
INSERT INTO "workers" VALUES('01a207e4-419b-74c6-b036-6cabef2de34c','w','h',1,'1','alive',100,0,'[]','["ended.crashed"]',1795403045678901,1795403045678901,NULL,0,'[]',0.0);
INSERT INTO "workers" VALUES('01a207e4-419d-7228-9b0e-5c8cd3a18a23','w','h',1,'1','alive',1,0,'[]','["ended.crashed"]',1795403045678901,1795403045678901,NULL,0,'[]',0.0);
INSERT INTO "workers" VALUES('01a207e4-419f-74e0-954c-d76824cfbd71','w','h',1,'1','alive',1,0,'[]','["ended.crashed"]',1795403045678901,1795403045678901,NULL,0,'[]',0.0);
INSERT INTO "workers" VALUES('01a207e4-41a2-770d-8641-b48709a2e405','w','h',1,'1','alive',100,0,'[]','["again.retried"]',1795403045678901,1795403045678901,NULL,0,'[]',0.0);
INSERT INTO "workers" VALUES('01a207e4-41a4-75ee-91ea-ee9a91b49cc3','w','h',1,'1','alive',100,0,'[]','["again.snoozed"]',1795403045678901,1795403045678901,NULL,0,'[]',0.0);
INSERT INTO "workers" VALUES('01a207e4-41a6-76e0-aaae-785d8af972d6','w','h',1,'1','alive',100,0,'[]','["again.released"]',1795403045678901,1795403045678901,NULL,0,'[]',0.0);
INSERT INTO "workers" VALUES('01a207e4-41a8-77fc-8c6c-288eee4e30de','w','h',1,'1','alive',100,0,'[]','["again.redriven"]',1795403045678901,1795403045678901,NULL,0,'[]',0.0);
INSERT INTO "workers" VALUES('01a207e4-41ac-7097-966d-da09c9b7b859','w','h',1,'1','alive',100,0,'[]','["somebody.else"]',1795403045678901,1795403045678901,NULL,0,'[]',0.0);
INSERT INTO "workers" VALUES('01a207e4-41af-75c7-86f1-e931956a7c3c','w','h',1,'1','alive',3,2,'[]','["declared"]',1795403045678901,1795403045678901,NULL,0,'[]',0.0);
INSERT INTO "workers" VALUES('01a207e4-41af-75c7-86f1-e9321bde0ced','w','h',1,'1','dead',100,0,'[]','["retired"]',1795403045678901,1795403045678901,1795403045678901,0,'[]',0.0);
INSERT INTO "workers" VALUES('01a207e4-41b0-702b-83ed-da6f59f2d8a9','w','h',1,'1','draining',100,0,'["a","b"]','["draining"]',1795403045678901,1795403045678901,NULL,0,'[]',0.0);
CREATE INDEX tasks_ready ON tasks (queue, type, priority DESC, seq, account_id, created_at)
    WHERE status = 'queued' AND hold IS NULL;
CREATE INDEX tasks_held ON tasks (queue, type, priority DESC, seq, hold, account_id, created_at)
    WHERE status = 'queued' AND hold IS NOT NULL;
CREATE INDEX tasks_scheduled ON tasks (run_at, queue) WHERE status = 'scheduled';
CREATE INDEX tasks_blocked ON tasks (queue, type) WHERE status = 'blocked';
CREATE INDEX tasks_running ON tasks (worker, crashes) WHERE status = 'running';
CREATE INDEX tasks_expiring ON tasks (expires_at)
    WHERE expires_at IS NOT NULL AND status IN ('scheduled', 'blocked', 'queued');
CREATE INDEX tasks_unrouted ON tasks (type) WHERE unrouted = 1;
CREATE INDEX tasks_ended ON tasks (status) WHERE status IN ('success', 'failed', 'cancelled', 'skipped');
CREATE INDEX finished_by_status ON finished_tasks (account_id, status, id);
CREATE INDEX finished_by_type ON finished_tasks (account_id, type, status, id);
CREATE INDEX finished_by_queue ON finished_tasks (account_id, queue, status, id);
CREATE INDEX finished_by_user ON finished_tasks (account_id, user_id, status, id) WHERE user_id IS NOT NULL;
CREATE INDEX finished_by_age ON finished_tasks (status, finished_at);
CREATE INDEX attempts_crashed ON attempts (worker) WHERE crashed = 1;
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (expires_at);
CREATE INDEX unique_keys_by_age ON unique_keys (until);
CREATE INDEX rollups_by_age ON rollups (minute);
COMMIT;
