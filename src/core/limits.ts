// Every bound of the system, each with the reason for its number. A loop over I/O without a maximum from
// here is a defect. What an operator may tune lives in the environment instead (cloudflare/env.ts).

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

export const limits = {
  /** A delivery carries ids and a few scores; RCMS shows payloads under 2 KiB. 256 KiB leaves ample room. */
  deliveryBytes: 256 * 1024,
  /** The longest header five signatures and some foreign pairs can honestly need. */
  signatureHeaderBytes: 1024,
  /** One per active secret; more is a flood of guesses. */
  signaturesPerHeader: 5,
  /** How far a signature's time may be from ours, in both directions: RCMS signs every attempt anew. */
  signatureToleranceSeconds: 300,
  /** Admin bodies are small forms. */
  requestBytes: 64 * 1024,
  /** `JSON.stringify` throws on nesting that `JSON.parse` accepts; real records are a few levels deep. */
  jsonDepth: 64,
  /** D1 holds rows of 2 MB; escaping may double a body on its way there. */
  recordChars: 900_000,
  /** An answer of RCMS: 200 records of at most some 40 KiB. */
  upstreamBytes: 8 * 1024 * 1024,
  /** RCMS answers in well under a second; ten is a hang, and a hang must not hold a queue batch. */
  upstreamTimeoutMs: 10 * SECOND,
  /** A reader waits at most this long for a fetch (RD3). */
  readThroughMs: 3 * SECOND,
  /** A full payload that rides on the queue; a queue message over 64 KB bills double. */
  fullPayloadBytes: 48 * 1024,

  /** What one batch sent to a queue may hold, with room for characters of several bytes. */
  sendMessages: 100,
  sendChars: 80_000,

  /** From so many refs of one kind on, a delta list is tried instead of single fetches (WR9). */
  burstRefs: 10,
  /** A delta list may cost at most this share of the single fetches it replaces. */
  burstPagesPerRef: 1 / 4,
  /** The share of a list's page that is other news than was waited for and makes the next page worth reading. */
  burstNews: 1 / 4,
  /** Messages waiting behind a batch that are worth one page more: half a page of them is likely on it. */
  burstBacklogPerPage: 50,
  /** Such pages of one list: at two calls a second, a minute and a half of the quarter of an hour a batch may take. */
  burstSharedPages: 200,
  /** How often, and for how long, a batch looks whether another one's list has brought what it waits for. */
  burstTurns: 60,
  burstTurnMs: SECOND,
  /** How often a list waits for more of its burst to come in; less than its lease lasts. */
  burstGathers: 20,
  /** A list waits this long for its allowance; its lease must outlive the wait. */
  burstWaitMs: 20 * SECOND,
  /** A delta list asks from this much before the oldest event; what is older than that never settles it. */
  burstSlackMs: 6 * SECOND,
  /** Events further apart than this are not one burst. */
  burstSpanMs: 10 * MINUTE,

  /** The platform opens six connections at a time per invocation; more only queue inside it. */
  fetchesAtOnce: 6,
  /** Refs whose last fetch failed, remembered per writer so that a repeat counts as a retry. */
  failedRefs: 1_000,
  /** An event's waits for a record that lags its webhook: looks at 0, 2, 7 and 22 s (WR6). */
  lookAgainSeconds: [2, 5, 15],
  /** A record and its event stamped this close to each other are one change. */
  sameInstantMs: 50,
  /** Two looks at a disappearance or a step back in time are at least this far apart (WR3, WR7). */
  confirmAfterMs: 60 * SECOND,

  /** Queue retries: the platform allows 100; parked by us just before, with the reason. */
  attemptsBeforePark: 90,
  /** An answer we cannot read is retried a few times (a deploy upstream), then it is our ignorance. */
  attemptsOnBadAnswer: 4,
  retryBaseSeconds: 2,
  /** A quarter of an hour between the late retries: 90 of them outlast the 20 h outage of a bad night. */
  retryCapSeconds: 900,

  /** A wait for budget up to this is slept out; a longer one goes back to the queue. */
  gateWaitMs: 2 * SECOND,
  /** Permits taken together are void after this: two dozen looks of some 100 ms each, and a pause is soon kept. */
  permitMs: 3 * SECOND,
  /** The breaker opens after so many failures in a row and probes again after this long, doubling. */
  breakerFailures: 5,
  breakerOpenMs: 5 * SECOND,
  breakerOpenMaxMs: 2 * MINUTE,
  /** A 429 without `Retry-After`. */
  rateLimitPauseMs: 10 * SECOND,
  /** The least a second pause in a row lasts, doubling from there up to `breakerOpenMaxMs`. */
  rateLimitAgainMs: 2 * SECOND,
  /** The longest `Retry-After` believed: a wrong unit upstream must not silence a connection for days. */
  rateLimitPauseMaxMs: 2 * HOUR,
  /** Retried calls may be this share of all calls, plus a trickle so that a lone retry is not starved. */
  retryShare: 0.1,
  retriesPerMinute: 12,
  retryReserve: 30,

  /** Dead letters sent again by one replay job; it continues itself. */
  replayAtOnce: 100,
  /** Slices of one replay request; the answer says when there is more. */
  replaySlices: 50,
  /** Open reminders of one client closed at a time. */
  remindersAtOnce: 200,
  reminderPages: 50,
  /** Rows of an operator's list. */
  operatorRows: 500,
  /** KV takes one write per second and key; a little more, to be past it. */
  kvWriteEveryMs: 1_100,
  /** A sweep's lease outlives its slowest page; it is renewed with every page. */
  sweepLeaseMs: 30 * SECOND,
  /** A sweep that finds records moving repeats its pass so often at most. */
  sweepPasses: 4,
  /** More rows than this changed between two sweeps is not a busy network, it is a broken filter. */
  sweepRows: 200_000,
  /** Timestamps may be rounded down to the second. */
  grainMs: 1_000,
  /** Taken off our own clock where the upstream sends no `Date`: its clock may differ by this much. */
  clockDoubtMs: 10 * MINUTE,
  /** RCMS fires within 30 s and repeats after another 30: a webhook later than this was missed. */
  webhookDueMs: 2 * MINUTE,
  /** Records of a kind without a list looked at in one sweep (SW5). */
  sliceRows: 200,
  /** Records of a rebuild's page of kinds without a list: small, so that an interrupted one loses little. */
  walkAtOnce: 10,
  /** Looks of a walk asked of one writer on permits taken together: what a sweep may have of the default burst. */
  walkTogether: 24,
  /** Ids a walk puts in the order of their writers: a hundred for each of the sixteen there are by default. */
  walkWindow: 1_600,
  /** A walk sleeps so long at most for the next permits, and in all: a queue's consumer has a quarter of an hour. */
  walkWaitMs: 30 * SECOND,
  walkWaitsMs: 5 * MINUTE,
  /** Outlives the longest wait for permits and the looks made on them; asking for the next ones renews it. */
  walkLeaseMs: 4 * MINUTE,
  /** So many looks in a row that came to nothing are an outage: it ends a walk, one record's trouble does not. */
  walkAway: 5,
  /** A walk that spent the budget goes on after this: by then some of it has come back. */
  sweepPauseSeconds: 15,
  /** How often a failing sweep is tried again before the next tick of the clock takes over. */
  sweepAttempts: 5,
  /** The cron's own period (wrangler.toml). */
  tickMs: 15 * MINUTE,
  /** Pages of one rebuild job: short, so that it yields to everything else in between. */
  rebuildPages: 10,
  /** Work whose message may have been lost is queued again after this long without a sign of life. */
  staleWorkMs: 15 * MINUTE,
  /** Rows cut to a narrower field list at a time, and slices of one job: short, so that it yields in between. */
  cutRows: 100,
  cutSlices: 10,
  /** Two operators who change the field list at once: one of them reads it again. */
  fieldsAttempts: 5,
  /** Forgotten backfills queued again by one tick. */
  staleBackfills: 90,
  /** Extra sweeps between two ticks while a connection is degraded. */
  degradedSweepSeconds: [300, 600],
  /** RCMS disables an endpoint after so many failures in a row. */
  deadAfterFailures: 50,
  /** A test delivery is expected back within this. */
  testEchoMs: 5 * MINUTE,
  /** A replaced signing secret stays valid this long: RCMS's own retry window. */
  secretOverlapMs: 24 * HOUR,
  /** Per isolate: connections and keys are few; a cached one is at most this old. */
  cacheEntries: 1_000,
  connectionCacheMs: 60 * SECOND,
  watermarkCacheMs: 5 * SECOND,
  keyCacheMs: 30 * SECOND,
  /** An unknown connection or key is remembered briefly, so that a flood of guesses costs no database. */
  missCacheMs: 5 * SECOND,
  /** Re-reading secrets when no signature matches: a short burst, then one every few seconds. */
  rereadBurst: 3,
  rereadEveryMs: 5 * SECOND,

  /** Feed positions looked at by one query that filters: a key with few rows among many costs no more per call. */
  changesScan: 1_000,
  /** A follower waits at most this long: proxies commonly cut a silent request after 30 s. */
  changesWaitSeconds: 25,
  /** While it waits the last `seq` is asked for this often, one index row, shared by an isolate's followers. */
  changesPollMs: SECOND,
  /** Polls of one wait, should the clock stand still. */
  changesPolls: 30,
  /** Requests of one key that one question to the platform's rate limit stands for (wrangler.toml counts so). */
  rationRequests: 250,
  /** The period of the platform's rate limit (wrangler.toml): after so long a refused key is let in again. */
  rateLimitSeconds: 60,

  /** Copies an isolate keeps for a moment: it has 128 MB for everything. */
  copyEntries: 2_000,
  copyBytes: 16 * 1024 * 1024,
  /** Looks a writer remembers for readers who come just after; a look is a few hundred bytes. */
  recentLooks: 1_000,
  /** Refreshes asked for longer ago than any time to live are of no use to anybody. */
  refreshKeptMs: 31 * 24 * HOUR,

  /** Entries of one part of the access log: 10 KB as a rule, 45 at most. */
  accessPartEntries: 500,
  /** Of the parts of one message, which may have 128 KB. */
  accessMessageChars: 120_000,
  /** Of one row of the log, and of the rows written by one transaction. */
  accessRowChars: 100_000,
  accessStatementChars: 800_000,
  /** Entries that are sent without waiting for more: about what one message has room for. */
  accessWindowEntries: 3_000,
  /** Reads that stay for a window: one that sends it, one that sees to it that this was done. */
  accessStaying: 2,
  /** How often a read looks whether another one has sent its window, and how long it waits each time. */
  accessTurns: 20,
  accessTurnMs: 500,
  /** Entries waiting in one isolate beyond which each read sends its own at once: memory is bounded. */
  accessWaiting: 15_000,
  /** Old rows removed by one statement, and statements of one night: what is left waits for the next. */
  accessPurgeRows: 5_000,
  accessPurges: 200,

  /** Rows per answer. */
  pageRows: 200,
  pageRowsDefault: 100,
  /** Rows of one guarded statement; the rows travel as one JSON parameter of at most 2 MB. */
  commitRows: 200,
  commitBytes: 1_000_000,
} as const;
