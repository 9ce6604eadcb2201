/** A member of a consumer group: what it said when it joined, and which answer it waits for. */

export interface MemberProtocol {
  readonly name: string;
  readonly metadata: Buffer;
}

export interface JoinResult {
  readonly errorCode: number;
  readonly generationId: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leader: string;
  readonly memberId: string;
  /** A leader of static members who did not change need not assign again (KIP-814). */
  readonly skipAssignment: boolean;
  readonly members: { memberId: string; groupInstanceId: string | null; metadata: Buffer }[];
}

export interface SyncResult {
  readonly errorCode: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignment: Buffer;
}

/** What a member brings to a join. */
export interface JoinDetails {
  readonly clientId: string;
  readonly clientHost: string;
  readonly groupInstanceId: string | null;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocolType: string;
  readonly protocols: readonly MemberProtocol[];
}

export const noAssignment: Buffer = Buffer.alloc(0);

/** What a member takes beside its texts and bytes. */
const memberBytesLeast = 256;

/** Bytes that are kept of a member until it leaves. */
export function bytesOf(details: JoinDetails): number {
  const { clientId, clientHost, groupInstanceId, protocolType, protocols } = details;
  let bytes = memberBytesLeast + clientId.length + clientHost.length + protocolType.length;
  bytes += groupInstanceId?.length ?? 0;
  for (const { name, metadata } of protocols) bytes += name.length + metadata.length;
  return bytes;
}

export class GroupMember {
  id: string;
  /** Changed by its group only, which counts their bytes; the assignment too. */
  details: JoinDetails;
  assignment: Buffer = noAssignment;
  onJoined: ((result: JoinResult) => void) | null = null;
  onSynced: ((result: SyncResult) => void) | null = null;
  /** Monotonic time of its last sign of life, ms. */
  seenAt: number;

  constructor(id: string, details: JoinDetails, seenAt: number) {
    this.id = id;
    this.details = details;
    this.seenAt = seenAt;
  }

  get instanceId(): string | null {
    return this.details.groupInstanceId;
  }

  /** It waits for an answer of ours, so its silence is not its fault. */
  get isWaiting(): boolean {
    return this.onJoined !== null || this.onSynced !== null;
  }

  get bytes(): number {
    return bytesOf(this.details) + this.assignment.length;
  }

  hasProtocol(name: string): boolean {
    return this.details.protocols.some((protocol) => protocol.name === name);
  }

  metadataFor(name: string | null): Buffer {
    return this.details.protocols.find((protocol) => protocol.name === name)?.metadata ?? noAssignment;
  }

  /** Whether it comes with just the protocols that it had. */
  hasSameProtocols(protocols: readonly MemberProtocol[]): boolean {
    const own = this.details.protocols;
    return (
      own.length === protocols.length &&
      own.every(({ name, metadata }, i) => {
        const other = protocols[i]!;
        return name === other.name && metadata.equals(other.metadata);
      })
    );
  }
}
