/**
 * What the Kafka sessions of one broker share, and the one node of the cluster that clients see: its identity and its address.
 *
 * A Kafka listener belongs to the default virtual host. Invariant: the node id and the leader epoch never change, since there is
 * no other node.
 */
import { plainHost } from "../../../base/addresses.ts";
import { SparseLog } from "../../../base/sparse-log.ts";
import type { Broker } from "../../../broker/broker.ts";
import { clusterIdOf } from "../../../broker/cluster-id.ts";
import { ProducerIds } from "../../../broker/queue/producer-state.ts";
import type { Vhost } from "../../../broker/vhost.ts";
import type { Address, Connection } from "../../contract.ts";
import { GroupCoordinator } from "../groups/coordinator.ts";
import { ShareCoordinator } from "../share/share-coordinator.ts";
import { TopicDirectory } from "../topics/directory.ts";

export const nodeId = 0;
export const leaderEpoch = 0;

/** The address for clients that cannot use the one by which they came: behind a proxy or in a container. */
export interface Advertised {
  readonly host: string | undefined;
  readonly port: number | undefined;
  /** For clients that came over TLS. */
  readonly tlsPort?: number | undefined;
}

export class KafkaServer {
  readonly broker: Broker;
  readonly vhost: Vhost;
  readonly clusterId: string;
  readonly topics: TopicDirectory;
  readonly coordinator: GroupCoordinator;
  readonly shares: ShareCoordinator;
  readonly producerIds: ProducerIds;
  /** Log of connections that were closed because of their input. */
  readonly closedLog: SparseLog;
  readonly #advertised: Advertised;

  constructor(broker: Broker, advertised: Advertised) {
    this.broker = broker;
    this.vhost = broker.defaultVhost;
    this.#advertised = advertised;
    this.clusterId = clusterIdOf(broker.storage, broker.random);
    this.topics = new TopicDirectory(this.vhost, this.clusterId);
    this.coordinator = new GroupCoordinator(this.vhost);
    this.shares = new ShareCoordinator(this.vhost, this.topics);
    this.closedLog = new SparseLog(broker.timers, (fields) =>
      broker.logger.info("closed a Kafka connection", fields),
    );
    this.producerIds = new ProducerIds(broker.storage, broker.random);
  }

  /** The address for this client: the one by which it came, unless the configuration sets another. */
  addressFor(connection: Connection): Address {
    const { host, port } = connection.local;
    const advertised = this.#advertised;
    const told = connection.isEncrypted ? advertised.tlsPort : advertised.port;
    return { host: advertised.host ?? plainHost(host), port: told ?? port };
  }
}
