/**
 * What the region door returns instead of a count: the negative of Linux's number.
 *
 * - `EPERM`, `EACCES`: a device-specific region refuses.
 * - `EIO`: memory decoding is off, or a host callback threw (the error is at `onError`).
 * - `EBADF`: the door is closed.
 * - `EAGAIN`: asked for from a host callback while the ROM is being read; the same again later succeeds.
 * - `ENOMEM`: the host does not map what is behind the region.
 * - `EFAULT`: a transfer leaves configuration space.
 * - `EBUSY`: another door is open, or somebody else has the function's regions.
 * - `ENODEV`: the door was revoked, or its function is not assigned any more.
 * - `EINVAL`: no such region, a position outside it, or what the region does not do.
 */
export const errno = {
  EPERM: -1,
  EIO: -5,
  EBADF: -9,
  EAGAIN: -11,
  ENOMEM: -12,
  EACCES: -13,
  EFAULT: -14,
  EBUSY: -16,
  ENODEV: -19,
  EINVAL: -22,
} as const;

export type Errno = (typeof errno)[keyof typeof errno];
