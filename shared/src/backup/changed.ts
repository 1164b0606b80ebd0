/** The collections changed while they were read, so what was read is of no use: the attempt begins again. */
export class ChangedUnderneath extends Error {
  override readonly name = 'ChangedUnderneath';
}
