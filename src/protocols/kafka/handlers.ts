/** Every request that this broker answers, and who answers it. The type demands one for each that the codec knows. */
import type { Handler } from "./call.ts";
import { alterConfigs } from "./commands/alter-configs.ts";
import { apiVersions } from "./commands/api-versions.ts";
import { createAcls } from "./commands/create-acls.ts";
import { createPartitions } from "./commands/create-partitions.ts";
import { createTopics } from "./commands/create-topics.ts";
import { deleteAcls } from "./commands/delete-acls.ts";
import { deleteGroups } from "./commands/delete-groups.ts";
import { deleteRecords } from "./commands/delete-records.ts";
import { deleteTopics } from "./commands/delete-topics.ts";
import { describeAcls } from "./commands/describe-acls.ts";
import { describeCluster } from "./commands/describe-cluster.ts";
import { describeConfigs } from "./commands/describe-configs.ts";
import { describeGroups } from "./commands/describe-groups.ts";
import { describeTopicPartitions } from "./commands/describe-topic-partitions.ts";
import { fetch } from "./commands/fetch.ts";
import { findCoordinator } from "./commands/find-coordinator.ts";
import { heartbeat } from "./commands/heartbeat.ts";
import { incrementalAlterConfigs } from "./commands/incremental-alter-configs.ts";
import { initProducerId } from "./commands/init-producer-id.ts";
import { joinGroup } from "./commands/join-group.ts";
import { leaveGroup } from "./commands/leave-group.ts";
import { listGroups } from "./commands/list-groups.ts";
import { listOffsets } from "./commands/list-offsets.ts";
import { metadata } from "./commands/metadata.ts";
import { offsetCommit } from "./commands/offset-commit.ts";
import { offsetDelete } from "./commands/offset-delete.ts";
import { offsetFetch } from "./commands/offset-fetch.ts";
import { offsetForLeaderEpoch } from "./commands/offset-for-leader-epoch.ts";
import { produce } from "./commands/produce.ts";
import { saslAuthenticate } from "./commands/sasl-authenticate.ts";
import { saslHandshake } from "./commands/sasl-handshake.ts";
import { syncGroup } from "./commands/sync-group.ts";
import type { ApiName } from "./wire/codec.ts";

export const handlers: { readonly [N in ApiName]: Handler<N> } = {
  Produce: produce,
  Fetch: fetch,
  ListOffsets: listOffsets,
  Metadata: metadata,
  OffsetCommit: offsetCommit,
  OffsetFetch: offsetFetch,
  FindCoordinator: findCoordinator,
  JoinGroup: joinGroup,
  Heartbeat: heartbeat,
  LeaveGroup: leaveGroup,
  SyncGroup: syncGroup,
  DescribeGroups: describeGroups,
  ListGroups: listGroups,
  SaslHandshake: saslHandshake,
  ApiVersions: apiVersions,
  CreateTopics: createTopics,
  DeleteTopics: deleteTopics,
  DeleteRecords: deleteRecords,
  InitProducerId: initProducerId,
  OffsetForLeaderEpoch: offsetForLeaderEpoch,
  DescribeConfigs: describeConfigs,
  AlterConfigs: alterConfigs,
  SaslAuthenticate: saslAuthenticate,
  CreatePartitions: createPartitions,
  DeleteGroups: deleteGroups,
  IncrementalAlterConfigs: incrementalAlterConfigs,
  OffsetDelete: offsetDelete,
  DescribeCluster: describeCluster,
  DescribeAcls: describeAcls,
  CreateAcls: createAcls,
  DeleteAcls: deleteAcls,
  DescribeTopicPartitions: describeTopicPartitions,
};
