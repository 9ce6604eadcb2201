/**
 * All request types: adding one is a file beside this one and a line here. Everything else (decoders, encoders, types,
 * the advertised ranges, the property tests) follows from the description.
 */
export { Produce } from "./produce.ts";
export { Fetch } from "./fetch.ts";
export { ListOffsets } from "./list-offsets.ts";
export { Metadata } from "./metadata.ts";
export { OffsetCommit } from "./offset-commit.ts";
export { OffsetFetch } from "./offset-fetch.ts";
export { FindCoordinator } from "./find-coordinator.ts";
export { JoinGroup } from "./join-group.ts";
export { Heartbeat } from "./heartbeat.ts";
export { LeaveGroup } from "./leave-group.ts";
export { SyncGroup } from "./sync-group.ts";
export { DescribeGroups } from "./describe-groups.ts";
export { ListGroups } from "./list-groups.ts";
export { SaslHandshake } from "./sasl-handshake.ts";
export { ApiVersions } from "./api-versions.ts";
export { CreateTopics } from "./create-topics.ts";
export { DeleteTopics } from "./delete-topics.ts";
export { DeleteRecords } from "./delete-records.ts";
export { InitProducerId } from "./init-producer-id.ts";
export { OffsetForLeaderEpoch } from "./offset-for-leader-epoch.ts";
export { DescribeConfigs } from "./describe-configs.ts";
export { AlterConfigs } from "./alter-configs.ts";
export { SaslAuthenticate } from "./sasl-authenticate.ts";
export { CreatePartitions } from "./create-partitions.ts";
export { DeleteGroups } from "./delete-groups.ts";
export { IncrementalAlterConfigs } from "./incremental-alter-configs.ts";
export { OffsetDelete } from "./offset-delete.ts";
export { DescribeCluster } from "./describe-cluster.ts";
export { DescribeAcls } from "./describe-acls.ts";
export { CreateAcls } from "./create-acls.ts";
export { DeleteAcls } from "./delete-acls.ts";
export { DescribeTopicPartitions } from "./describe-topic-partitions.ts";
