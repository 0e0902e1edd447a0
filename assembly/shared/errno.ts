// Linux errno values (asm-generic/errno-base.h, errno.h numbering), one home.
//
// Compiled by asc and by tsc; imports nothing. Floor: shared.

export const enum Errno {
  EPERM = 1,
  EINTR = 4,
  EBADF = 9,
  EAGAIN = 11,
  ENOMEM = 12,
  EACCES = 13,
  EFAULT = 14,
  EBUSY = 16,
  EEXIST = 17,
  ENODEV = 19,
  EINVAL = 22,
  ENFILE = 23,
  EMFILE = 24,
  ETXTBSY = 26,
  EDEADLK = 35,
  EOVERFLOW = 75,
  EOPNOTSUPP = 95,
  EOWNERDEAD = 130,
}
