/** The handler of each request. The type demands one for each request that the codec knows. */
import type { Handler } from "./call.ts";
import { alterConfigs } from "../topics/alter-configs.ts";
import { apiVersions } from "../admin/api-versions.ts";
import { createAcls } from "../security/create-acls.ts";
import { createPartitions } from "../topics/create-partitions.ts";
import { createTopics } from "../topics/create-topics.ts";
import { deleteAcls } from "../security/delete-acls.ts";
import { deleteGroups } from "../groups/delete-groups.ts";
import { deleteRecords } from "../topics/delete-records.ts";
import { deleteTopics } from "../topics/delete-topics.ts";
import { describeAcls } from "../security/describe-acls.ts";
import { describeCluster } from "../admin/describe-cluster.ts";
import { describeConfigs } from "../topics/describe-configs.ts";
import { describeGroups } from "../groups/describe-groups.ts";
import { describeTopicPartitions } from "../topics/describe-topic-partitions.ts";
import { fetch } from "../fetch/fetch.ts";
import { findCoordinator } from "../groups/find-coordinator.ts";
import { heartbeat } from "../groups/heartbeat.ts";
import { incrementalAlterConfigs } from "../topics/incremental-alter-configs.ts";
import { initProducerId } from "../produce/init-producer-id.ts";
import { joinGroup } from "../groups/join-group.ts";
import { leaveGroup } from "../groups/leave-group.ts";
import { listGroups } from "../groups/list-groups.ts";
import { listOffsets } from "../fetch/list-offsets.ts";
import { metadata } from "../topics/metadata.ts";
import { offsetCommit } from "../groups/offset-commit.ts";
import { offsetDelete } from "../groups/offset-delete.ts";
import { offsetFetch } from "../groups/offset-fetch.ts";
import { offsetForLeaderEpoch } from "../fetch/offset-for-leader-epoch.ts";
import { produce } from "../produce/produce.ts";
import { saslAuthenticate } from "../security/sasl-authenticate.ts";
import { saslHandshake } from "../security/sasl-handshake.ts";
import { describeShareGroupOffsets } from "../share/describe-share-group-offsets.ts";
import { shareAcknowledge } from "../share/share-acknowledge.ts";
import { shareFetch } from "../share/share-fetch.ts";
import { shareGroupDescribe } from "../share/share-group-describe.ts";
import { shareGroupHeartbeat } from "../share/share-group-heartbeat.ts";
import { syncGroup } from "../groups/sync-group.ts";
import type { ApiName } from "../wire/codec.ts";

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
  ShareGroupHeartbeat: shareGroupHeartbeat,
  ShareGroupDescribe: shareGroupDescribe,
  ShareFetch: shareFetch,
  ShareAcknowledge: shareAcknowledge,
  DescribeShareGroupOffsets: describeShareGroupOffsets,
};
