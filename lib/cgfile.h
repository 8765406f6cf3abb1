/* cgfile.h - files of cgroupfs and procfs, by directory descriptor
 *
 * Nothing is ever addressed by path once its directory is open, so that a
 * directory that was removed and made anew under the same name is never
 * touched (doc/design.md, section 3).  None of these allocates.
 */
#ifndef MW_CGFILE_H
#define MW_CGFILE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"

/* Open [path] below the sysroot ($MEMWARDEN_SYSROOT, normally "", so that
 *   recorded trees of /proc and /sys replay in tests).
 * Returns the descriptor (CLOEXEC); -1 with errno. */
int sysroot_open (const char *path, int flags);

/* Read file [name] of directory [dir] whole into [buf] of [len] bytes, with a
 *   NUL. Returns its length; -1 with errno; a file longer than [len] - 1 is cut. */
ssize_t cg_read (int dir, const char *name, char *buf, size_t len);

/* getdents64(2), which glibc before 2.30 has no call for: entries of directory [fd]
 *   into [buf] of [len] bytes. Returns how many bytes, 0 at the end; -1 with
 *   errno. */
ssize_t cg_entries (int fd, void *buf, size_t len);

/* Read [name] as one unsigned number; "max" is UINT64_MAX. Returns 0; -1 with
 *   errno. */
int cg_read_u64 (int dir, const char *name, uint64_t *value);

/* Write the formatted text to [name] in one write(2). Returns 0; -1 with errno. */
int cg_write (int dir, const char *name, const char *fmt, ...)
    __attribute__ ((format (printf, 3, 4)));

/* Write [value] to [name] in decimal. Returns 0; -1 with errno. */
int cg_write_u64 (int dir, const char *name, uint64_t value);

/* Find line "[key] N" in [text] (memory.stat, memory.events, meminfo's "Key:").
 * Returns true and sets [*value]. */
bool cg_key (const char *text, const char *key, uint64_t *value);

/* Does the errno [error] say that what was to be opened or read is not there (any
 *   more), or is no directory?  Any other (no descriptor left, no memory) says
 *   nothing of what is in it. */
bool cg_is_absent (int error);

/* Call [visit] for each pid in the tasks file [name] ("cgroup.procs") of [dir];
 *   stops when it returns non-zero. Reads in pieces: any number of pids.
 * Returns how many it was called for; -1 with errno. */
int cg_each_pid (int dir, const char *name, int (*visit) (pid_t pid, void *arg),
                 void *arg);

/* Call [visit] with a descriptor (closed afterwards) and the name of each
 *   directory right below [dir], in readdir's order, links never followed.
 * Returns how many; -1 with errno where one that is there could not be opened:
 *   all that could be were visited. */
int cg_each_child (int dir,
                   int (*visit) (int child, const char *name, void *arg),
                   void *arg);

/* cgroup v2: does [dir] hand [controller] down to what is below it? */
bool cg_hands_down (int dir, const char *controller);

/* cgroup v2: have [controller] handed down all the way from the root of the
 *   hierarchy, open as [root] and mounted at [mount], to what is below [path]
 *   ("/a/b", also one of which only a part is there yet), where nobody has done
 *   so before.  Slurm and systemd do it for their own directories.
 * Returns 0; -1 with errno and a sentence that names the file and the word that
 *   has to be written. */
int cg_hand_down (int root, const char *mount, const char *path,
                  const char *controller, struct mw_err *err);

/* Call [visit] for [dir] itself (named "") and for each directory below it, one
 *   above before those in it, however deep the tree is: in bounded memory, few
 *   descriptors and without recursion, links never followed.  It stops when
 *   [visit] returns non-zero, but with CG_SKIP it only does not go below that
 *   one.  Where directories are removed meanwhile some may be visited twice.
 * Returns how many were visited; -1 with errno where one that is there could not
 *   be read: all that could be were visited. */
#define CG_SKIP INT_MIN
int cg_walk (int dir, int (*visit) (int dir, const char *name, void *arg),
             void *arg);

/* Remove all directories below [dir], however deep, links never followed.
 * Returns 0; -1 with errno: one does not go (EBUSY), or cannot be opened. */
int cg_remove_below (int dir);

/* Is [word] among the comma-separated [names]? */
bool cg_among (const char *names, const char *word);

/* A line of /proc/PID/cgroup, "ID:CONTROLLERS:PATH" (cgroups(7)): where a process
 * is in one hierarchy. */
struct cg_member {
    bool v2;                 /* of the one hierarchy of v2, "0::PATH" */
    const char *controllers; /* comma-separated; v2: "" */
    const char *path;        /* below the mount point, from "/" */
    char line[PATH_MAX + 512];
};

/* Read the next line of [*text], the content of /proc/PID/cgroup, into [m], and set
 *   [*text] behind it.
 * Returns 1, 0 at the end, or -1 with EINVAL: [m->line] (cut) is no such line. */
int cg_next_member (const char **text, struct cg_member *m);

/* The inode of the directory [dir], 0 on failure. */
uint64_t cg_inode (int dir);

#endif /* !MW_CGFILE_H */
