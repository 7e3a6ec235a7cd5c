/** A mistake on the command line or in the configuration: a message, a code for programs, and what to do about it. */
export class UsageError extends Error {
  constructor(message, { code = "usage", hint } = {}) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}
