/** What a group's cursor knows of its share partition: no more than that it ends with the group (share-partition.ts). */
export interface GroupShare {
  close(): void;
}
