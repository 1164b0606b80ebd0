/** What of documents is shown. */
export interface Reveal {
  /** `_id`s that may be a name or an address. */
  readonly ids: boolean;
  /** Values of samples. */
  readonly values: boolean;
}
