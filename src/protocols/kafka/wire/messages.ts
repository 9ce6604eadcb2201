/**
 * All request types: adding one is a file beside this one and a line here. Everything else (decoders, encoders, types,
 * the advertised ranges, the property tests) follows from the description.
 */
export { Produce } from "./produce/produce.ts";
export { Fetch } from "./fetch/fetch.ts";
export { ListOffsets } from "./fetch/list-offsets.ts";
export { Metadata } from "./topics/metadata.ts";
export { OffsetCommit } from "./groups/offset-commit.ts";
export { OffsetFetch } from "./groups/offset-fetch.ts";
export { FindCoordinator } from "./groups/find-coordinator.ts";
export { JoinGroup } from "./groups/join-group.ts";
export { Heartbeat } from "./groups/heartbeat.ts";
export { LeaveGroup } from "./groups/leave-group.ts";
export { SyncGroup } from "./groups/sync-group.ts";
export { DescribeGroups } from "./groups/describe-groups.ts";
export { ListGroups } from "./groups/list-groups.ts";
export { SaslHandshake } from "./security/sasl-handshake.ts";
export { ApiVersions } from "./admin/api-versions.ts";
export { CreateTopics } from "./topics/create-topics.ts";
export { DeleteTopics } from "./topics/delete-topics.ts";
export { DeleteRecords } from "./topics/delete-records.ts";
export { InitProducerId } from "./produce/init-producer-id.ts";
export { OffsetForLeaderEpoch } from "./fetch/offset-for-leader-epoch.ts";
export { DescribeConfigs } from "./topics/describe-configs.ts";
export { AlterConfigs } from "./topics/alter-configs.ts";
export { SaslAuthenticate } from "./security/sasl-authenticate.ts";
export { CreatePartitions } from "./topics/create-partitions.ts";
export { DeleteGroups } from "./groups/delete-groups.ts";
export { IncrementalAlterConfigs } from "./topics/incremental-alter-configs.ts";
export { OffsetDelete } from "./groups/offset-delete.ts";
export { DescribeCluster } from "./admin/describe-cluster.ts";
export { DescribeAcls } from "./security/describe-acls.ts";
export { CreateAcls } from "./security/create-acls.ts";
export { DeleteAcls } from "./security/delete-acls.ts";
export { DescribeTopicPartitions } from "./topics/describe-topic-partitions.ts";
export { ShareGroupHeartbeat } from "./share/share-group-heartbeat.ts";
export { ShareGroupDescribe } from "./share/share-group-describe.ts";
export { ShareFetch } from "./share/share-fetch.ts";
export { ShareAcknowledge } from "./share/share-acknowledge.ts";
export { DescribeShareGroupOffsets } from "./share/describe-share-group-offsets.ts";
