// The crash points: what each call does, in a person's words. A strike falls just before the call or just after it, so
// every line is two points. A call that is not listed fails the kill tests, and so does a line that no story passes.

export const LABELS: Readonly<Record<string, string>> = {
  "worker: D1 SELECT connections": "a delivery's connection is read, with its secrets",
  "worker: D1 SELECT problems": "the connection is read, with what is wrong with it",
  "worker: D1 SELECT api_keys": "the app's key is looked up",

  // Receiving: after the signature check, before the 2xx.
  "worker: queue EVENTS": "events are queued",

  // Consuming events.
  "worker: D1 SELECT events, SELECT suppressions, SELECT records": "it is asked what is known of a batch",
  "worker: D1 SELECT events": "the ledger is asked whom events spoke of",
  "worker: D1 SELECT suppressions": "purged clients are looked up",
  "worker: D1 SELECT records": "rows are read",
  "worker: WRITERS.look": "the writer is asked to look",
  "worker: WRITERS.walk": "the writer is asked to walk on permits taken for it",
  "worker: WRITERS.offer": "what a list brought and may not simply be written is left to the writer",
  "worker: D1 INSERT events": "the ledger is written, the acknowledgement is next",
  "worker: D1 INSERT dead_letters": "a message is parked, the acknowledgement is next",
  "worker: D1 DELETE backfills": "a readmitted client's backfills are cleared",

  // Writing: from the look to the row.
  "writer: D1 SELECT problems": "the writer reads the connection, and what is wrong with it",
  "writer: D1 SELECT suppressions": "the writer looks up purged clients",
  "writer: D1 SELECT kind_state": "the writer asks whether the route has proven itself",
  "writer: GATES.acquire": "the gate is asked for a permit",
  "writer: fetch GET /clients/:id": "the client is fetched",
  "writer: fetch GET /clients/:id/assessment-status": "the client's document is fetched",
  "writer: fetch GET /staff/:id": "the staff member is fetched",
  "writer: fetch GET /organizations/:id": "the organization is fetched",
  "writer: GATES.report": "the gate is told what came of the call",
  "writer: D1 UPDATE connections": "the connection is paused",
  "writer: D1 INSERT kind_state": "the route has proven itself",
  "writer: D1 SELECT records": "the versions held are read",
  "writer: D1 INSERT departures, INSERT records, UPDATE records": "client and position are committed",
  "writer: D1 INSERT departures, INSERT records": "record and position are committed",

  // Reminders.
  "worker: D1 SELECT aliases": "the reminder is looked for under another id",
  "worker: D1 INSERT departures, INSERT records": "the reminder is committed, or what is cut of a row",
  "worker: D1 INSERT departures, INSERT records, UPDATE records": "cut clients are committed",
  "worker: D1 SELECT assessments_taken": "it is asked when the assessment was taken",
  "worker: D1 INSERT assessments_taken": "it is noted when the assessment was taken",

  // Sweeping: leases, checkpoints, watermarks.
  "worker: GATES.lease": "a burst's or a rebuild's lease is taken or extended",
  "worker: GATES.release": "a lease is given back",
  "worker: GATES.acquire":
    "the gate is asked for a permit for a list, or for several for a walk, under its lease",
  "worker: KV get organizations": "the cursor of organizations is read",
  "worker: KV get staff": "the cursor of staff is read",
  "worker: KV get clients": "the cursor of clients is read",
  "worker: KV get assessment-status": "the walk's position is read",
  "worker: KV get verify": "the verifier's position is read",
  "worker: KV get outage/organizations": "an outage to be swept is looked for (organizations)",
  "worker: KV get outage/staff": "an outage to be swept is looked for (staff)",
  "worker: KV get outage/clients": "an outage to be swept is looked for (clients)",
  "worker: fetch GET /organizations": "a page of organizations is fetched",
  "worker: fetch GET /staff": "a page of staff is fetched",
  "worker: fetch GET /clients": "a page of clients is fetched",
  "worker: D1 INSERT kind_state": "drift is counted, or a kind is complete",
  "worker: D1 SELECT nothing": "the database's bookmark is noted",
  "worker: KV put organizations": "the watermark of organizations is saved",
  "worker: KV put staff": "the watermark of staff is saved",
  "worker: KV put clients": "the checkpoint or the watermark of clients is saved",
  "worker: KV put assessment-status": "the walk's position is saved",
  "worker: KV put verify": "the verifier's position is saved",
  "worker: D1 DELETE problems": "a problem is cleared",
  "worker: queue JOBS": "jobs are queued",

  // The clock.
  "worker: D1 SELECT backfills": "a backfill is read, or forgotten ones are looked for",
  "worker: D1 SELECT rebuilds": "rebuilds are read",
  "worker: D1 SELECT minimisations": "what is still to be cut is read",
  "worker: D1 DELETE refreshes": "old refreshes are purged",
  "worker: D1 DELETE events": "the ledger is purged",
  "worker: D1 DELETE access_log": "the access log is purged",

  // The webhook.
  "worker: fetch GET /webhooks/:id/deliveries": "the delivery log is fetched",
  "worker: fetch GET /webhooks/:id": "the webhook is fetched",
  "worker: fetch POST /webhooks": "the successor is registered",
  "worker: D1 INSERT signing_secrets, UPDATE signing_secrets": "its secret is sealed and kept",
  "worker: D1 UPDATE connections": "the connection is activated, resumed or given a webhook",
  "worker: fetch DELETE /webhooks/:id": "the dead webhook is removed",

  // Orders.
  "worker: D1 INSERT backfills": "the login's backfill gets its row",
  "worker: D1 UPDATE backfills": "the backfill's status is written",
  "worker: D1 INSERT rebuilds": "the rebuild gets its row",
  "worker: D1 UPDATE rebuilds": "the rebuild's page is its checkpoint, or it is done",
  "worker: D1 UPDATE connections, INSERT minimisations": "the field list is changed, with the work it means",
  "worker: D1 DELETE minimisations": "what was cut is crossed out",
  "worker: D1 SELECT aliases, INSERT suppressions, UPDATE events, DELETE dead_letters, UPDATE records, DELETE backfills, DELETE assessments_taken, UPDATE rebuilds, DELETE refreshes, DELETE aliases":
    "the client is purged",
  "worker: WRITERS.forgetDoubts": "the writer forgets its doubts",
  "worker: GATES.resume": "the gate lets calls through again",
  "worker: D1 SELECT dead_letters": "parked messages are taken",
  "worker: D1 DELETE dead_letters": "sent again, they are removed",
};
