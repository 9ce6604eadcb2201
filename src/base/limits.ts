/** Every bound in one place. Sizes in bytes, times in milliseconds. */
export const limits = {
  /** A connection with this much unsent output is not read from until it drains below the low mark. */
  outputHighWaterBytes: 4 << 20,
  outputLowWaterBytes: 256 << 10,
  /** A queue stops delivering to a connection with this much unsent output. */
  deliverOutputBytesMax: 1 << 20,
  /** A Redis subscriber that falls this far behind is disconnected (Redis: client-output-buffer-limit pubsub 32mb). */
  subscriberOutputBytesMax: 32 << 20,
  /** One reply of a Redis command that gathers it (lists of entries, keys, values); what is larger is an error. */
  redisReplyBytesMax: 512 << 20,
  /** The bound on bytes in flight is `--memory-bytes-max`, and at least this. */
  inFlightBytesLeast: 64 << 20,
  /** While bytes in flight are above their bound, a connection that holds less than its fair part is read from; between: */
  fairShareBytesLeast: 16 << 10,
  fairShareBytesMost: 1 << 20,
  /** How often it is then looked whether those who have the turn use it. */
  bytesLookMs: 5000,
  /** What a connection that has the turn must send between two looks, or be refused. */
  turnBytesLeast: 64 << 10,
  /** A connection that has taken none of its output in so many looks may be refused. */
  outputStuckLooksMax: 6,
  /** A connection that has been ended is read from for so long and so much, so that its last reply arrives (RFC 9293 3.6.1). */
  lingerMsMax: 5000,
  lingerBytesMax: 64 << 20,
  /** Publishers are paused while this much of the journal waits for the disk. */
  journalBacklogBytesMax: 64 << 20,
  /** Less free space than this, and publishers wait: `--disk-free-bytes-min auto`. An eighth of a smaller disk. */
  diskFreeBytesMin: 64 << 20,
  /** Bytes of the file RESERVE, for what is written when the disk is full. A sixteenth of a smaller disk. */
  diskReserveBytes: 8 << 20,
  /** The reserve is made once the disk has less free space than this. */
  diskReserveBelowBytes: 4 * 1024 ** 3,
  /** How often the free space is looked at while nothing is written. */
  diskLookMs: 1000,
  /** The journal keeps at most this part of the disk, whatever `--journal-bytes-max` says: one of so many. */
  diskJournalPart: 8,
  /** Messages and requests from this size on are refused where the disk has no room for them. */
  diskFitBytes: 1 << 20,
  /** How long a stop waits for a disk that takes nothing. */
  diskStopMsMax: 2000,
  /** Units of sliced work (about 1 µs each, see turn-work.ts) that all requests together get in one turn. */
  turnWorkUnits: 8_000,
  /** Units that one job gets before the next one has its turn. */
  turnWorkSliceUnits: 1_000,
  /** Deliveries that one AMQP method settles in its own turn; more are settled in slices (protocols/amqp/channel/settlements.ts). */
  settledAtOnceMax: 1024,
  /** Dead letters that one publish may lead to in its turn, where full queues refuse them in their turn. */
  deadLettersPerPublishMax: 1000,
  /** Records that one tick drops because they expired, over all queues; the others go in the next ticks. */
  expiredPerTickMax: 4000,
  /** Routes remembered for each exchange. */
  routesCachedMax: 16_384,
  /** Memory, estimated, of the routes that all exchanges of one broker remember. */
  routesCachedBytesMax: 64 << 20,
  /** Logs in all groups of logs that the routes of one virtual host lead to. */
  groupedLogsMax: 1_000_000,
  /** Words behind a `#` in all bindings of one topic exchange: each may be looked at again for each word of a key. */
  topicWordsBehindHashMax: 5_000,
  /** Nodes of topic bindings visited, at about 0.1 µs each, for a message with several keys (CC) or a Kafka batch to an exchange. */
  publishVisitsMax: 1_000_000,
  /** Longest glob pattern (KEYS, SCAN MATCH, PSUBSCRIBE, ACL rules); redis has no bound. */
  globBytesMax: 64 << 10,
  /** Steps of the parts between two `*` that have `?` or `[]` in them; a multiple of 32. */
  globWildStepsMax: 256,
  /** Memory of the machine that runs all Lua scripts: beyond it a script gets "not enough memory". */
  luaMemoryBytesMax: 256 << 20,
  /** A machine that has taken more is replaced once its script has ended, since WebAssembly gives no memory back. */
  luaMemoryBytesKept: 48 << 20,
  /** A script that cannot be interrupted (it has written, or is within pcall) is ended after so many times `lua-time-limit`. */
  luaTimeLimitsMax: 2,
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
  /** Patterns that one connection may listen to: each may be held against each message. Redis has no bound. */
  connectionPatternsMax: 10_000,
  /** Bytes of these patterns. */
  connectionPatternBytesMax: 1 << 20,
  /** Patterns of keys that a Redis user may have, and patterns of channels. */
  aclPatternsMax: 1000,
  /** Longest regular expression of a permission. */
  regexBytesMax: 1000,
  /** Instructions that a regular expression may come to, its repeats written out. */
  regexStepsMax: 2000,
  /** So much of a name (a Redis key, others are shorter) is held against a regular expression. */
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
  /** What `max.message.bytes` raises `kafkaBatchInflatedBytesMax` to at most: others wait while such a batch is decompressed. */
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
  /** ACLs in one CreateAcls request (Kafka: 10,000 records). They are put in force in one turn. */
  kafkaRequestAclsMax: 2000,
  /** Filters in one DeleteAcls request. Each is held against all ACLs. */
  kafkaRequestAclFiltersMax: 100,
  /** Partitions in one Fetch request, which is answered in one turn. */
  kafkaFetchPartitionsMax: 10_000,
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
  /** Stored Kafka batches that AMQP consumers and Kafka fetches decompress in one turn; they go on in the next. */
  turnInflatedBytesMax: 8 << 20,
  /** Stored Kafka batches kept decompressed, for readers that take one record at a time. */
  inflatedBytesKept: 32 << 20,
  amqpFrameBytesMax: 128 << 10,
  amqpChannelsMax: 2047,
  amqpMessageBytesMax: 512 << 20,
  /** How long a connection may take to log in where it has to. */
  loginMsMax: 10_000,
  /** A TLS handshake that takes longer ends the connection. */
  tlsHandshakeMsMax: 10_000,
  /** Payload of one WebSocket frame that a client sends; messages have no bound of their own, since none is gathered. */
  webSocketFrameBytesMax: 64 << 20,
  /** Payload of one WebSocket frame that is sent. */
  webSocketSentFrameBytesMax: 1 << 20,
  /** A WebSocket peer that has said nothing for so long is pinged; if it says nothing again, the connection ends. */
  webSocketSilenceMsMax: 60_000,
  /** Body of an HTTP request, where its route sets no other bound. */
  httpBodyBytesMax: 64 << 10,
  /** Longer headers of an HTTP request, all together, are refused. */
  httpHeaderBytesMax: 8192,
  /** A body that is streamed has to bring so much in ten seconds while it is waited for. */
  httpStreamedBytesLeast: 16 << 10,
  /** While somebody looks at rates, counters are read so often, and no more once nobody has looked for so long. */
  rateSampleMs: 5000,
  rateIdleMsMax: 60_000,
  /** Text of a client that says what it is: its name, each of its properties. */
  clientTextBytesMax: 255,
  /** Descriptors that are left for files and HTTP when connections are bounded by what the process may open. */
  descriptorsReserved: 400,
  /** HTTP's own bound: it is not part of `--connections-max`, so that a full broker can be looked at. */
  httpConnectionsMax: 256,
  /** Most connections that `--connections-max auto` allows, however many descriptors there are. */
  connectionsAutoMax: 100_000,
  /** Refused connections and failed handshakes are logged at most this often, with their number. */
  refusalLogMs: 1000,
  /** Waits longer than this are taken in steps: the runtimes' timers end at 2^31 ms, and fire at once beyond. */
  timerMsMax: 3_600_000,
  /** Data of less durable levels reaches the disk this late at most. */
  lazySyncDelayMs: 1000,
} as const;

/** Bounds of work in one turn. The simulator and tests set them small, so that few records reach them. */
export type TurnBounds = {
  readonly [
    Name in "turnWorkUnits" | "turnWorkSliceUnits" | "deadLettersPerPublishMax" | "expiredPerTickMax"
  ]: number;
};
