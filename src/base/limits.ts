/** Every bound in one place. Sizes in bytes, times in milliseconds. */
export const limits = {
  /** A connection with this much unsent output is not read from until it drains below the low mark. */
  outputHighWaterBytes: 4 << 20,
  outputLowWaterBytes: 256 << 10,
  /** A queue stops delivering to a connection with this much unsent output. */
  deliverOutputBytesMax: 2 << 20,
  /** A Redis subscriber, or a receiver of AMQP's direct replies, that falls this far behind is disconnected (Redis: client-output-buffer-limit pubsub 32mb). */
  subscriberOutputBytesMax: 32 << 20,
  /** Largest reply of a Redis command that collects it (lists of entries, keys, values). A larger one is answered by an error. */
  redisReplyBytesMax: 512 << 20,
  /** Refusals that ACL LOG keeps, whatever `acllog-max-len` says: some 4 KiB each. */
  aclLogEntriesMax: 10_000,
  /** Keys that one blocking Redis command may wait for. */
  redisWaitKeysMax: 10_000,
  /** Keys that all Redis clients may wait for, each counted for each client: 0.75 KiB each at most. */
  redisWaitKeysTotalMax: 500_000,
  /** The bound on bytes in flight is `--memory-bytes-max`, and at least this. */
  inFlightBytesLeast: 64 << 20,
  /** Above half of the bound on bytes in flight, a connection is read from while it holds less than its fair part: this at least, */
  fairShareBytesLeast: 16 << 10,
  /** and this at most. */
  fairShareBytesMost: 1 << 20,
  /** Then: how often the broker checks whether a connection that has the turn uses it. */
  bytesLookMs: 5000,
  /** What a connection that has the turn must send between two checks, or it is refused. */
  turnBytesLeast: 64 << 10,
  /** A connection that has read none of its output during so many checks may be refused. */
  outputStuckLooksMax: 6,
  /** After its end a connection is still read from, for this long and this much at most, so that its last reply arrives (RFC 9293 3.6.1). */
  lingerMsMax: 5000,
  lingerBytesMax: 64 << 20,
  /** Publishers are paused while this much of the journal waits for the disk. */
  journalBacklogBytesMax: 64 << 20,
  /** Publishers wait while the disk has less free space (`--disk-free-bytes-min auto`). On a small disk: an eighth of it. */
  diskFreeBytesMin: 64 << 20,
  /** Size of the file RESERVE, whose space is used for writes on a full disk. On a small disk: a sixteenth of it. */
  diskReserveBytes: 8 << 20,
  /** The reserve is made once the disk has less free space than this. */
  diskReserveBelowBytes: 4 * 1024 ** 3,
  /** How often the free space is checked while nothing is written. */
  diskLookMs: 1000,
  /** The journal takes at most one part of so many of the disk, whatever `--journal-bytes-max` says. */
  diskJournalPart: 8,
  /** Messages and requests of this size or more are refused if the disk has no room for them. */
  diskFitBytes: 1 << 20,
  /** How long a stop waits for a disk that cannot be written. */
  diskStopMsMax: 2000,
  /** Units of sliced work (about 1 µs each, see turn-work.ts) that all requests together get in one turn. */
  turnWorkUnits: 8_000,
  /** Units that one job gets before the next one has its turn. */
  turnWorkSliceUnits: 1_000,
  /** How long a command that changes keys over several turns lets the cleaner go first (keyspace/cleaner-turns.ts). */
  cleanerTurnsMsMax: 1000,
  /** Deliveries that one AMQP method settles in its own turn; more are settled in slices (protocols/amqp/channel/settlements.ts). */
  settledAtOnceMax: 1024,
  /** Dead letters that one publish may cause in one turn of the event loop, when full queues refuse dead letters too. */
  deadLettersPerPublishMax: 1000,
  /** Expired records that one tick drops, over all queues. The others are dropped in later ticks. */
  expiredPerTickMax: 4000,
  /** Routes cached for each exchange. */
  routesCachedMax: 16_384,
  /** Estimated memory of the routes that all exchanges of one broker cache. */
  routesCachedBytesMax: 64 << 20,
  /** Messages of a stream that a consumer's filter passes over in one turn. */
  streamFilterLooksMax: 1000,
  /** How long a client may hold a delivery without acknowledging it, unless its queue says else, and how often that is looked at. */
  consumerTimeoutMs: 1_800_000,
  ackTimeoutLookMs: 5000,
  /** Messages of an exchange that whoever is bound later gets (x-recent-history), and their bytes: they are copied in one turn. */
  recentHistoryLengthMax: 10_000,
  recentHistoryBytesMax: 16 << 20,
  /** Logs in all groups of logs that the routes of one virtual host lead to. */
  groupedLogsMax: 1_000_000,
  /** Words behind a `#` in all bindings of one topic exchange: each may be looked at again for each word of a key. */
  topicWordsBehindHashMax: 5_000,
  /** Nodes of topic bindings visited, at about 0.1 µs each, for a message with several keys (CC) or a Kafka batch to an exchange. */
  publishVisitsMax: 1_000_000,
  /** Longest glob pattern (KEYS, SCAN MATCH, PSUBSCRIBE, ACL rules); redis has no bound. */
  globBytesMax: 128 << 10,
  /** Steps of the parts between two `*` that have `?` or `[]` in them; a multiple of 32. */
  globWildStepsMax: 256,
  /** Memory of the machine that runs all Lua scripts: beyond it a script gets "not enough memory". */
  luaMemoryBytesMax: 256 << 20,
  /** A machine that has taken more is replaced once its script has ended, since WebAssembly gives no memory back. */
  luaMemoryBytesKept: 48 << 20,
  /** Machines that were replaced and that the runtime has not freed yet: beyond it, it is made to before there is another one. */
  luaMemoryGivenUpBytesMax: 128 << 20,
  /** A script that cannot be interrupted (it has written, or is within pcall) is ended after so many times `lua-time-limit`. */
  luaTimeLimitsMax: 2,
  /** But not before it has run so long without a stop, however short `lua-time-limit` is. */
  luaHeldMsMin: 500,
  /** How long the code of a function library may run when it is loaded, as in redis. */
  luaLoadMsMax: 500,
  /** How long a script that takes long runs before others have their turn. */
  luaSliceMs: 5,
  /** Texts of cached scripts, all together: beyond it the oldest of EVAL are forgotten, and SCRIPT LOAD is refused. */
  luaScriptsBytesMax: 64 << 20,
  /** Code of all function libraries. */
  luaLibrariesBytesMax: 64 << 20,
  /** Longest name of a Pub/Sub channel; redis has no bound. */
  channelBytesMax: 1024,
  /** Rules for channels that keep a history. Each message of a channel is held against them. */
  liveHistoriesMax: 64,
  /** MIGRATE commands under way at once, each with a connection of its own to another server. */
  migrationsMax: 64,
  /** The most that MIGRATE waits for one step of the other server, whatever its timeout says: its keys are held meanwhile. */
  migrationTimeoutMsMax: 60_000,
  /** Of one MIGRATE: what is on its way to the other server, beside one value. */
  migrationBytesUnsentMax: 1 << 20,
  /** Named subscribers whose place in a history is remembered, for each of their channels; the one that went first is forgotten. */
  liveReadersMax: 10_000,
  /** Reasons and consumers, as texts, that a group remembers of the entries that were given up and wait. */
  giveUpTextsMax: 1024,
  /** Of each, behind which it is cut; and of all of a group, which are written whenever its state is. */
  giveUpTextBytesMax: 1280,
  giveUpTextsBytesMax: 256 << 10,
  /** Of TROIKA.NACK: each of the entries that it names may become a dead letter with the reason. */
  nackReasonBytesMax: 1024,
  /** Channels that one command may ask the past of, and one connection before it listens to them. */
  pastChannelsMax: 1000,
  /** Patterns that one connection may subscribe to. Each message may be matched against each of them. Redis has no bound. */
  connectionPatternsMax: 10_000,
  /** Bytes of these patterns. */
  connectionPatternBytesMax: 1 << 20,
  /** Ids of readers that are remembered with all keys (CLIENT TRACKING), eight bytes each. Redis has no bound. */
  trackingItemsMax: 10_000_000,
  /** Memory for these keys and ids. Beyond it keys are forgotten by chance, and their readers told to drop them. */
  trackingBytesMax: 256 << 20,
  /** A longer key is not remembered: its reader is told to drop it at once. */
  trackedKeyBytesMax: 64 << 10,
  /** Changed keys that wait to be told together, of one prefix or of one command. */
  trackingKeysAtOnceMax: 10_000,
  /** Prefixes that one connection may track (CLIENT TRACKING ON BCAST PREFIX). Redis has no bound. */
  connectionPrefixesMax: 1000,
  /** Longest of them: each changed key is looked up once for each length that there is. */
  trackingPrefixBytesMax: 256,
  /** Patterns of keys that a Redis user may have, and patterns of channels. */
  aclPatternsMax: 1000,
  /** Selectors that a Redis user may have: a command that is refused is held against each. */
  aclSelectorsMax: 32,
  /** Rules of commands that a Redis user may have; redis has no bound. */
  aclRulesMax: 2000,
  /** Longest regular expression of a permission. */
  regexBytesMax: 1000,
  /** Bindings that match a message, as an explanation shows them; all of them are followed. */
  explainedBindingsMax: 1000,
  /** So many names of queues are compared with one that is not there. */
  explainedNamesMax: 10_000,
  /** Policies, operator policies and other parameters of one component in one virtual host. */
  parametersMax: 1000,
  /** Instructions of a compiled regular expression, with its repeats written out: a name of 255 bytes costs 1 ms at most. */
  regexStepsMax: 750,
  /** A regular expression is matched against the first so many bytes of a name. Only Redis keys can be longer. */
  regexNameBytesMax: 4096,
  /** Longest name of a queue, exchange, topic or group (AMQP shortstr). */
  nameBytesMax: 255,
  kafkaRequestBytesMax: 100 << 20,
  /** Largest Kafka request other than Produce. The connection of a larger one is closed. */
  kafkaNamingRequestBytesMax: 16 << 20,
  /** Array elements in one Kafka request: two bytes on the wire may be an object of a hundred bytes in memory. */
  kafkaElementsMax: 60_000,
  /** Size of one compressed batch once decompressed, in one piece at 1 to 4 ms per MiB. A topic's `max.message.bytes` raises it. */
  kafkaBatchInflatedBytesMax: 8 << 20,
  /** The most that `max.message.bytes` can raise `kafkaBatchInflatedBytesMax` to. Other clients wait while such a batch is decompressed. */
  kafkaBatchInflatedBytesMost: 32 << 20,
  /** The same for all compressed batches of one Produce request. */
  kafkaRequestInflatedBytesMax: 128 << 20,
  /** Records in one batch. A record in the middle of a batch is found by walking to it. */
  kafkaBatchRecordsMax: 1_000_000,
  /** Headers on one record. */
  kafkaRecordHeadersMax: 10_000,
  /** Records in one batch that is produced to an exchange. They are routed one by one, all in one turn. */
  kafkaExchangeRecordsMax: 10_000,
  /** Partitions of a new or growing topic, which is made in one turn at about 20 µs per partition. */
  kafkaTopicPartitionsMax: 2000,
  /** New partitions that one request may make, over all topics it names (Kafka's controller: 10,000 records). */
  kafkaRequestPartitionsMax: 10_000,
  /** ACLs in one CreateAcls request (Kafka: 10,000 records). They take effect in one turn. */
  kafkaRequestAclsMax: 2000,
  /** Filters in one DeleteAcls request. Each is compared with all ACLs. */
  kafkaRequestAclFiltersMax: 100,
  /** Partitions in one Fetch request. It is answered in one turn. */
  kafkaFetchPartitionsMax: 10_000,
  /** Share sessions of Kafka clients (Kafka: group.share.max.share.sessions). */
  kafkaShareSessionsMax: 2000,
  /** Partitions in all share sessions; one session has as many as a Fetch request. */
  kafkaShareSessionPartitionsMax: 200_000,
  /** Settings or positions in one answer, where a request may ask for the same ones repeatedly. */
  kafkaAnswerRowsMax: 250_000,
  /** Members of a Kafka consumer group, including ids that were given out but not used yet (Kafka: group.max.size). */
  kafkaGroupMembersMax: 1000,
  /** Metadata of one group member; also its assignment. */
  kafkaMemberBytesMax: 1 << 20,
  /** Metadata of all members of one group. */
  kafkaGroupBytesMax: 16 << 20,
  /** Metadata and assignments of the members of all groups. */
  kafkaGroupsBytesMax: 128 << 20,
  /** Bytes of stored Kafka batches that AMQP consumers and Kafka fetches decompress in one turn. They go on in the next turn. */
  turnInflatedBytesMax: 8 << 20,
  /** Bytes of stored Kafka batches that are kept decompressed, for readers that take one record at a time. */
  inflatedBytesKept: 32 << 20,
  amqpFrameBytesMax: 128 << 10,
  amqpChannelsMax: 2047,
  amqpMessageBytesMax: 512 << 20,
  /** How long a connection may take to log in, if it must log in. */
  loginMsMax: 10_000,
  /** A TLS handshake that takes longer ends the connection. */
  tlsHandshakeMsMax: 10_000,
  /** Payload of one WebSocket frame from a client. Messages of several frames have no bound, since they are not collected. */
  webSocketFrameBytesMax: 64 << 20,
  /** Payload of one WebSocket frame that is sent. */
  webSocketSentFrameBytesMax: 1 << 20,
  /** A WebSocket peer that has been silent for this long is pinged. If it stays silent as long again, the connection is closed. */
  webSocketSilenceMsMax: 60_000,
  /** Body of an HTTP request, unless its route has another bound. */
  httpBodyBytesMax: 64 << 10,
  /** The same of one that has a message in it, and the payload bytes of messages that one request gets. */
  httpMessageBytesMax: 16 << 20,
  httpGotBytesMax: 32 << 20,
  /**
   * One page of messages that are looked at: how many there may be, how many bytes of payloads and headers come before the last of them,
   * and how many offsets are searched for them.
   */
  lookedMessagesMax: 1000,
  lookedBytesMax: 2 << 20,
  lookedOffsetsMax: 1_000_000,
  /** Dead letters that one look at them goes through, over all places. */
  deadLettersWalkedMax: 100_000,
  /** Groups of dead letters that are told apart in one place, and hours of a group; groups, the largest, and places that are shown. */
  deadLetterGroupsMax: 500,
  /** Of their names and reasons, in one place; a reason is cut behind so many. */
  deadLetterGroupsBytesMax: 256 << 10,
  deadLetterReasonBytesMax: 255,
  deadLetterHoursMax: 48,
  deadLetterGroupsShownMax: 1000,
  deadLetterPlacesMax: 1000,
  /** The same where a filter looks into the messages: how many, and bytes of all that it looks at, of which a body has so many at most. */
  filteredMessagesMax: 100_000,
  filteredBytesMax: 64 << 20,
  filterBodyBytesMax: 2 << 20,
  /** Conditions of a filter for messages, and their text. */
  filterConditionsMax: 16,
  filterBytesMax: 1024,
  /** Queues and streams in which the dead letters of one queue are looked for, and bindings that are followed to find them. */
  deadPlacesMax: 100,
  deadBindingsMax: 10_000,
  /** Samples of messages that no queue took: how many are kept, and copied in a second; their bytes, and those of one (the rest is cut off, or left out). */
  unroutableKeptOfExchange: 20,
  unroutableKeptOfVhost: 200,
  unroutableKept: 1000,
  unroutableBytesMax: 8 << 20,
  unroutableSamplesPerSecondOfExchange: 10,
  unroutableSamplesPerSecond: 200,
  unroutableBodyBytesMax: 4096,
  unroutablePropertiesBytesMax: 16_384,
  /** Groups, and places, of which is remembered what was counted there: some 1.6 KiB each at most. */
  deadLetterGroupsKept: 32_000,
  /** Operations that run at once, of all users and of one, and those that are remembered: one that is forgotten cannot be undone. */
  operationsRunningMax: 32,
  operationsRunningOfUserMax: 8,
  operationsKeptMax: 200,
  /** Queues and streams that one operation moves messages to: 64 KiB of its definition at most. */
  operationTargetsMax: 250,
  /** Messages a second of a retry that says no rate, and of an undo, which runs after the consumers: others notice neither much. */
  retryRateUsual: 10_000,
  undoRate: 30_000,
  /** How long what an operation moved can be taken back. */
  operationUndoMsMax: 86_400_000,
  /** How long a request that starts an operation waits for its end, unless it says so, and at most. */
  operationWaitMs: 1000,
  operationWaitMsMax: 60_000,
  /** What the events of traces take on the disk where nothing else is said, and at most in memory where there is no disk. */
  traceBytes: 64 << 20,
  traceMemoryBytesMax: 16 << 20,
  /** Traces of one answer, and events of one trace in it. */
  tracesShownMax: 100,
  traceEventsShownMax: 1000,
  /** Lists and objects inside each other in a request's body: headers of 32, as AMQP's frames may have them, and two around them. */
  jsonDepthMax: 34,
  /** The same of a document of definitions, where a parameter's value stands below three more. */
  definitionsDepthMax: 36,
  /** Streams of a super stream that one request makes. */
  superStreamPartitionsMax: 1000,
  /** A document of definitions: some 100,000 queues. */
  definitionsBytesMax: 16 << 20,
  /** All headers of an HTTP request together. A request with more is refused. */
  httpHeaderBytesMax: 8192,
  /** A streamed request body must bring this much in ten seconds while the broker waits for it. */
  httpStreamedBytesLeast: 16 << 10,
  /** How often counters are read for rates while somebody looks at them; and after how long without a look this stops. */
  rateSampleMs: 5000,
  rateIdleMsMax: 60_000,
  /** Samples that are kept of what somebody asks samples of (10 minutes), and of how many things. */
  rateHistorySamples: 121,
  rateHistoriesMax: 1000,
  /** Longest text with which a client describes itself: its name, and each of its properties. */
  clientTextBytesMax: 255,
  /** File descriptors that are left for files and HTTP when `--connections-max auto` is computed. */
  descriptorsReserved: 400,
  /** HTTP connections. They are not part of `--connections-max`, so that a full broker can still be inspected. */
  httpConnectionsMax: 256,
  /** Most connections that `--connections-max auto` allows, however many descriptors there are. */
  connectionsAutoMax: 100_000,
  /** Refused connections and failed handshakes are logged at most this often, with their number. */
  refusalLogMs: 1000,
  /** Longer waits are made of several timers: the runtimes' timers end at 2^31 ms, and fire at once beyond. */
  timerMsMax: 3_600_000,
  /** Ids that one destination remembers for deduplication; beyond, the oldest are forgotten. */
  dedupIdsMax: 4_000_000,
  /** The memory of the ids of all destinations, some 40 bytes an id; beyond, that with the most forgets its oldest. */
  dedupBytesMax: 256 << 20,
  /** A longer id is none: looking at one costs about 3 ns a byte. */
  dedupIdBytesMax: 4096,
  /** The longest window of deduplication: 7 days. */
  dedupWindowMsMax: 604_800_000,
  /** Data of the level `written` is synced to disk after this long at most. */
  lazySyncDelayMs: 1000,
} as const;

/** Bounds of work in one turn. The simulator and tests set them small, so that few records reach them. */
export type TurnBounds = {
  readonly [
    Name in "turnWorkUnits" | "turnWorkSliceUnits" | "deadLettersPerPublishMax" | "expiredPerTickMax"
  ]: number;
};
