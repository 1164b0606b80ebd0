/**
 * How far back zstd looks for what repeats: `near` within 256 KiB, with tables that stay in the cache of a processor; `far` within the whole
 * frame. Where data repeat over long distances `far` makes half of the size in half of the time; elsewhere `near` takes a third less time.
 */
export type Reach = 'near' | 'far';

/** `far` is worth its time when it saves more than this part. */
const worthwhile = 0.02;
/** So often the reach that is not chosen is tried anew: data change within a collection. */
const trial = 32;

/** Chooses the reach for the frames of one file, one after another, by what became of those before. */
export class ReachChoice {
  readonly #shares: Record<Reach, number | undefined> = { near: undefined, far: undefined };
  #frames = 0;

  /** For the next frame. The first two try both. */
  next(): Reach {
    const { near, far } = this.#shares;
    const better = near !== undefined && far !== undefined && near <= far * (1 + worthwhile) ? 'near' : 'far';
    const isTrial = this.#frames++ % trial === 1;
    return isTrial === (better === 'far') ? 'near' : 'far';
  }

  /** A frame of `plain` bytes became one of `stored`. */
  learn(reach: Reach, { plain, stored }: { readonly plain: number; readonly stored: number }): void {
    this.#shares[reach] = stored / plain;
  }
}
