/**
 * Which partitions of a topic a member of a share group reads. Pure.
 *
 * Members share partitions, so that nobody has to give one up before another one gets it. Invariant: each partition of a topic has a member
 * that reads it, and each subscriber of a topic reads one of its partitions at least; up to what a session may have (share-group.ts).
 */

/** `rank`: the member's place among the topic's `subscribers`. */
export function partitionsFor(rank: number, subscribers: number, partitions: number): number[] {
  if (subscribers >= partitions) return partitions === 0 ? [] : [rank % partitions];
  const own: number[] = [];
  for (let partition = rank; partition < partitions; partition += subscribers) own.push(partition);
  return own;
}
