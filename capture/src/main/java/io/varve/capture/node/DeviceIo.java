package io.varve.capture.node;

import io.varve.capture.backend.ZeroMode;
import io.varve.capture.nbd.Completion;
import io.varve.capture.nbd.Export;
import io.varve.capture.tracking.AgentOptions;
import io.varve.capture.tracking.Gate;
import io.varve.formats.nbd.StatusExtent;
import io.varve.formats.nbd.TransmissionFlag;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/**
 * A device over a node that may be replaced under it while guests write: each change is made to one node or the other,
 * and those to the old one have ended before the new one is there. The guest notices nothing but a moment's wait.
 *
 * <p>A write has a slot of a gate from its begin to its end; whoever replaces the node holds the gate until no slot is
 * taken. A write makes no object, and shares nothing with others.
 *
 * <p>Safe for any thread.
 */
public final class DeviceIo implements Export {
    private static final long LOOK_NANOS = 50_000;

    private final Gate gate;
    private final LongSupplier nanos;
    private final DeviceWrite[] writes = new DeviceWrite[AgentOptions.IN_FLIGHT_MAX];
    private volatile Node node;
    private boolean held; // Guarded by this.

    /** @param nanos for waits of a bounded time */
    public DeviceIo(Node node, LongSupplier nanos) {
        this.node = node;
        this.nanos = nanos;
        this.gate = new Gate(AgentOptions.IN_FLIGHT_MAX, nanos);
        Arrays.setAll(writes, slot -> new DeviceWrite(gate, slot));
    }

    /**
     * Keeps changes and flushes waiting until {@link #letGo}.
     *
     * @param waitNanosMax how long those in flight may take to end
     * @return whether they have ended; else nobody waits
     */
    public synchronized boolean hold(long waitNanosMax) {
        if (held) {
            throw new IllegalStateException("the device is held already");
        }
        gate.hold();
        try {
            long beganNanos = nanos.getAsLong();
            while (gate.countInside(_ -> true) > 0) {
                if (nanos.getAsLong() - beganNanos > waitNanosMax) {
                    return false;
                }
                LockSupport.parkNanos(LOOK_NANOS);
            }
            held = true;
            return true;
        } finally {
            if (!held) {
                gate.letGo();
            }
        }
    }

    /** Ends {@link #hold}. */
    public synchronized void letGo() {
        if (held) {
            held = false;
            gate.letGo();
        }
    }

    /** Puts another node under the device, which is held. */
    public synchronized void replace(Node other) {
        if (!held) {
            throw new IllegalStateException("the device isn't held");
        }
        node = other;
    }

    /** Where requests go now. */
    public Node node() {
        return node;
    }

    /** Admits a write, unless the node is being replaced: then when that's done. */
    private DeviceWrite admitted(Completion completion) {
        int slot = gate.enter();
        DeviceWrite write = writes[slot].of(completion);
        gate.entered(slot);
        return write;
    }

    @Override
    public long sizeBytes() {
        return node.io().sizeBytes();
    }

    @Override
    public Set<TransmissionFlag> flags() {
        return node.io().flags();
    }

    @Override
    public List<String> metaContexts() {
        return node.io().metaContexts();
    }

    /** What only looks at a node. */
    private interface Look<T> {
        T at(NodeIo io) throws IOException;
    }

    /** A node that was taken away meanwhile may fail: the one in its place knows, too. */
    @SuppressWarnings("ReferenceEquality") // Another one is meant, not one like it.
    private <T> T looked(Look<T> look) throws IOException {
        while (true) {
            Node at = node;
            try {
                return look.at(at.io());
            } catch (IOException e) {
                if (at == node) {
                    throw e;
                }
            }
        }
    }

    @Override
    public void read(long offsetBytes, ByteBuffer into) throws IOException {
        int begin = into.position();
        int end = into.limit();
        boolean _ = looked(io -> {
            io.read(offsetBytes, into.limit(end).position(begin));
            return true;
        });
    }

    @Override
    public boolean readAtOnce(long offsetBytes, ByteBuffer into) throws IOException {
        int begin = into.position();
        int end = into.limit();
        return looked(io -> io.readAtOnce(offsetBytes, into.limit(end).position(begin)));
    }

    @Override
    public void willRead(long offsetBytes, long lengthBytes) {
        node.io().willRead(offsetBytes, lengthBytes);
    }

    @Override
    public long zeroBytes(long offsetBytes, long lengthBytes) throws IOException {
        return looked(io -> io.zeroBytes(offsetBytes, lengthBytes));
    }

    @Override
    public void write(long offsetBytes, ByteBuffer data, Completion completion) {
        DeviceWrite write = admitted(completion);
        try {
            node.io().write(offsetBytes, data, write);
        } catch (RuntimeException | Error e) {
            write.abandon();
            throw e;
        }
    }

    @Override
    public void writeZeroes(long offsetBytes, long lengthBytes, ZeroMode mode, Completion completion) {
        DeviceWrite write = admitted(completion);
        try {
            node.io().writeZeroes(offsetBytes, lengthBytes, mode, write);
        } catch (RuntimeException | Error e) {
            write.abandon();
            throw e;
        }
    }

    @Override
    public void trim(long offsetBytes, long lengthBytes, Completion completion) {
        DeviceWrite write = admitted(completion);
        try {
            node.io().trim(offsetBytes, lengthBytes, write);
        } catch (RuntimeException | Error e) {
            write.abandon();
            throw e;
        }
    }

    /** Also one of these ends before the node goes. */
    @Override
    public void flush(Completion completion) {
        DeviceWrite flush = admitted(completion);
        try {
            node.io().flush(flush);
        } catch (RuntimeException | Error e) {
            flush.abandon();
            throw e;
        }
    }

    @Override
    public List<StatusExtent> blockStatus(String context, long offsetBytes, long lengthBytes, int extentsMax)
            throws IOException {
        return looked(io -> io.blockStatus(context, offsetBytes, lengthBytes, extentsMax));
    }
}
