package io.varve.capture.backend;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.file.Path;

/**
 * The calls of Linux's C library that Java has no method for. Each answers its value, or a negated errno.
 *
 * <p>Safe for any thread.
 */
final class LinuxCalls {
    static final int O_RDONLY = 0;
    static final int O_RDWR = 2;
    static final int O_CLOEXEC = 0x80000;

    static final int FALLOC_KEEP_SIZE = 1;
    static final int FALLOC_PUNCH_HOLE = 2;
    static final int FALLOC_ZERO_RANGE = 0x10;

    static final int RWF_NOWAIT = 8;
    static final int POSIX_FADV_WILLNEED = 3;

    static final int SEEK_DATA = 3;
    static final int SEEK_HOLE = 4;

    static final int F_OFD_GETLK = 36;
    static final int F_OFD_SETLK = 37;
    static final short F_RDLCK = 0;
    static final short F_WRLCK = 1;
    static final short F_UNLCK = 2;

    static final int EINTR = 4;
    static final int ENXIO = 6;
    static final int EAGAIN = 11;
    static final int EACCES = 13;
    static final int ENODEV = 19;
    static final int EINVAL = 22;
    static final int ENOSPC = 28;
    static final int EOPNOTSUPP = 95;

    /** {@code struct flock} on 64-bit Linux; l_pid stays 0, as open file description locks demand. */
    private static final StructLayout FLOCK = MemoryLayout.structLayout(
            JAVA_SHORT.withName("l_type"),
            JAVA_SHORT.withName("l_whence"),
            MemoryLayout.paddingLayout(4),
            JAVA_LONG.withName("l_start"),
            JAVA_LONG.withName("l_len"),
            JAVA_INT.withName("l_pid"),
            MemoryLayout.paddingLayout(4));

    /** {@code struct statx} has the same layout on every architecture. */
    private static final int STATX_BYTES = 256;

    private static final int STATX_BLOCKS = 0x400;
    private static final long BLOCKS_OFFSET = 48;
    private static final int AT_FDCWD = -100;

    private static final long LENGTH_OFFSET = 16;
    private static final long START_OFFSET = 8;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final StructLayout STATE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));

    private static final MethodHandle OPEN =
            variadic("open", 2, FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT));
    private static final MethodHandle CLOSE = handle("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle FALLOCATE =
            handle("fallocate", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle LSEEK =
            handle("lseek", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT));
    private static final MethodHandle FCNTL =
            variadic("fcntl", 2, FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS));

    private static final MethodHandle POSIX_FADVISE =
            handle("posix_fadvise", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
    private static final MethodHandle PREADV2 =
            handle("preadv2", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT, JAVA_LONG, JAVA_INT));
    private static final MethodHandle STATX =
            handle("statx", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS));

    private static final ThreadLocal<ReadScratch> READ_SCRATCH = ThreadLocal.withInitial(ReadScratch::new);

    /** A thread's own memory for its calls of preadv2, so that a call allocates nothing. */
    private static final class ReadScratch {
        private final MemorySegment state = Arena.ofAuto().allocate(STATE);
        private final MemorySegment vector = Arena.ofAuto().allocate(2 * ADDRESS.byteSize(), ADDRESS.byteAlignment());
    }

    private LinuxCalls() {}

    static int open(Path path, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(STATE);
            MemorySegment name = arena.allocateFrom(path.toString());
            return (int) result((int) OPEN.invokeExact(state, name, flags | O_CLOEXEC, 0), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int close(int descriptor) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(STATE);
            return (int) result((int) CLOSE.invokeExact(state, descriptor), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int fallocate(int descriptor, int mode, long offsetBytes, long lengthBytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(STATE);
            return (int) result((int) FALLOCATE.invokeExact(state, descriptor, mode, offsetBytes, lengthBytes), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** Reads into native memory what takes no waiting for a device: EAGAIN when there's none such. */
    static long readNoWait(int descriptor, MemorySegment into, long offsetBytes) {
        ReadScratch scratch = READ_SCRATCH.get();
        scratch.vector.set(JAVA_LONG, 0, into.address());
        scratch.vector.set(JAVA_LONG, ADDRESS.byteSize(), into.byteSize());
        try {
            return result(
                    (long) PREADV2.invokeExact(scratch.state, descriptor, scratch.vector, 1, offsetBytes, RWF_NOWAIT),
                    scratch.state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** Starts to read a range into the page cache; answers 0 or a negated errno. */
    static int adviseWillNeed(int descriptor, long offsetBytes, long lengthBytes) {
        ReadScratch scratch = READ_SCRATCH.get();
        try {
            // This call returns its error, and leaves errno alone.
            return -(int)
                    POSIX_FADVISE.invokeExact(scratch.state, descriptor, offsetBytes, lengthBytes, POSIX_FADV_WILLNEED);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static long lseek(int descriptor, long offsetBytes, int whence) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(STATE);
            return result((long) LSEEK.invokeExact(state, descriptor, offsetBytes, whence), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** The 512-byte blocks that a file takes (statx(2)'s stx_blocks), or a negated errno. */
    static long blocks(Path path) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(STATE);
            MemorySegment name = arena.allocateFrom(path.toString());
            MemorySegment found = arena.allocate(STATX_BYTES, Long.BYTES);
            long result = result((int) STATX.invokeExact(state, AT_FDCWD, name, 0, STATX_BLOCKS, found), state);
            return result < 0 ? result : found.get(JAVA_LONG, BLOCKS_OFFSET);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** Locks one byte, or asks whether that would conflict; answers the lock type that the kernel left, or -errno. */
    static int lockByte(int descriptor, int operation, short type, long offsetBytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(STATE);
            MemorySegment lock = arena.allocate(FLOCK);
            lock.set(JAVA_SHORT, 0, type);
            lock.set(JAVA_LONG, START_OFFSET, offsetBytes);
            lock.set(JAVA_LONG, LENGTH_OFFSET, 1);
            long result = result((int) FCNTL.invokeExact(state, descriptor, operation, lock), state);
            return result < 0 ? (int) result : lock.get(JAVA_SHORT, 0);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    private static long result(long returned, MemorySegment state) {
        return returned >= 0 ? returned : -(int) ERRNO.get(state, 0L);
    }

    private static MethodHandle handle(String name, FunctionDescriptor descriptor) {
        return LINKER.downcallHandle(
                LINKER.defaultLookup().findOrThrow(name), descriptor, Linker.Option.captureCallState("errno"));
    }

    private static MethodHandle variadic(String name, int fixedArguments, FunctionDescriptor descriptor) {
        return LINKER.downcallHandle(
                LINKER.defaultLookup().findOrThrow(name),
                descriptor,
                Linker.Option.captureCallState("errno"),
                Linker.Option.firstVariadicArg(fixedArguments));
    }

    private static IllegalStateException unexpected(Throwable e) {
        return new IllegalStateException("a call into the C library failed to start", e);
    }
}
