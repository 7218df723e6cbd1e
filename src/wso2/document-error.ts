import { EndpointSecurityError } from "../errors.ts";

interface DocumentDetails {
  readonly endpoint?: undefined;
  /** Which document. */
  readonly what: string;
  readonly reason: string;
  readonly line?: number | undefined;
  readonly column?: number | undefined;
}

/** A document to import (YAML, JSON, TOML) can't be read. */
export class DocumentError extends EndpointSecurityError<DocumentDetails> {
  override readonly name = "DocumentError";
  /** A document to import can't be read; `line` and `column` say where. */
  readonly code = "unreadable_document";
  /** The line, counted from 1, where it is known. */
  readonly line: number | undefined;
  /** The column, counted from 1, where it is known. */
  readonly column: number | undefined;

  constructor(details: DocumentDetails) {
    const { what, reason, line, column } = details;
    const place = line === undefined ? "" : ` at line ${line}, column ${column}`;
    super(
      `${what} can't be read${place}: ${reason}; correct the file, or export it again`,
      false,
      details,
    );
    this.line = line;
    this.column = column;
  }
}
