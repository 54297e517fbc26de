/** What the region door returns instead of a count: the negative of Linux's number. */
export const errno = {
  /** A device-specific region refuses. */
  EPERM: -1,
  /** Memory decoding is off, or a host callback threw (the error is at `onError`). */
  EIO: -5,
  /** The door is closed. */
  EBADF: -9,
  /** Asked for from a host callback while the ROM is being read; the same again later succeeds. */
  EAGAIN: -11,
  /** The host does not map what is behind the region. */
  ENOMEM: -12,
  /** A device-specific region refuses. */
  EACCES: -13,
  /** A transfer leaves configuration space. */
  EFAULT: -14,
  /** Another door is open, or somebody else has the function's regions. */
  EBUSY: -16,
  /** The door was revoked, or its function is not assigned any more. */
  ENODEV: -19,
  /** No such region, a position outside it, or what the region does not do. */
  EINVAL: -22,
} as const;

/** One of `errno`. */
export type Errno = (typeof errno)[keyof typeof errno];
