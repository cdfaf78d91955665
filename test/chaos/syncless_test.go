//go:build powercut && linux

package chaos

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/theeye/theeye/test/harness"
)

// synclessVariable names the program that the test program becomes, with syncs that
// do nothing and report success.
const synclessVariable = "CHAOS_WITHOUT_SYNCS"

var _ = func() bool { roles[synclessVariable] = runWithoutSyncs; return true }()

// withoutSyncs has a process run so.
func withoutSyncs(p *harness.Process) {
	p.Env = append(p.Env, synclessVariable+"="+p.Path)
	p.Path = selfPath()
}

// syncs are the system calls that do nothing.
var syncs = []uint32{unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_SYNC_FILE_RANGE, unix.SYS_MSYNC, unix.SYS_SYNCFS}

// runWithoutSyncs becomes the program; it returns where that fails. A filter of system
// calls stays in force over execve, see seccomp(2).
func runWithoutSyncs() int {
	runtime.LockOSThread()
	program := os.Getenv(synclessVariable)
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return v == synclessVariable+"="+program })
	err := ignoreCalls(syncs)
	if err == nil {
		err = syscall.Exec(program, append([]string{program}, os.Args[1:]...), env)
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// ignoreCalls has system calls of this thread return 0 without an effect.
func ignoreCalls(calls []uint32) error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	filter := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}} // seccomp_data.nr
	for i, call := range calls {
		filter = append(filter, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: call, Jt: uint8(len(calls) - i)}) //nolint:gosec // a few
	}
	filter = append(filter,
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO}, // errno 0
	)
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]} //nolint:gosec // a few
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
}
