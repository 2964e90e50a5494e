/** What a request is answered with when it fails: OpenAI's error object, whose `type`, `param` and `code` programs read. */

export type ErrorType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'permission_error'
  | 'not_found_error'
  | 'rate_limit_error'
  | 'server_error';

export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: ErrorType;
    readonly param: string | null;
    readonly code: string | null;
  };
}

export interface ApiErrorOptions {
  /** Default: what the status says. */
  readonly type?: ErrorType | undefined;
  /** The field of the request that is wrong, `messages[0].content` for one. */
  readonly param?: string | undefined;
  readonly code?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly cause?: unknown;
}

/** A failure that the client is told of, with its HTTP status. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string | undefined;
  readonly body: ErrorBody;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, options: ApiErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.name = new.target.name;
    const { type = typeOf(status), param = null, code, headers = {} } = options;
    this.status = status;
    this.code = code;
    this.headers = headers;
    this.body = { error: { message, type, param, code: code ?? null } };
  }

  response(): Response {
    return Response.json(this.body, { status: this.status, headers: this.headers });
  }
}

/** A field that is missing, of the wrong type or out of range. */
export function badField(param: string, what: string, code?: string): ApiError {
  return new ApiError(400, `${param} ${what}`, { param, code });
}

function typeOf(status: number): ErrorType {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 404) return 'not_found_error';
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}
