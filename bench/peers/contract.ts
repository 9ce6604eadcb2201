/** What bench:peers knows of each thing that it can bring. */
export interface FetchedPeer {
  readonly name: string;
  /** Installed, or fetched before. */
  isThere(): boolean;
  /** @throws with the reason, in one line, for which it cannot be had */
  fetch(): Promise<void>;
}
