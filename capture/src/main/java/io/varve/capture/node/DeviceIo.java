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

    private final Gate gate = new Gate(AgentOptions.IN_FLIGHT_MAX, System::nanoTime);
    private final DeviceWrite[] writes = new DeviceWrite[AgentOptions.IN_FLIGHT_MAX];
    private volatile Node node;
    private boolean held; // Guarded by this.

    public DeviceIo(Node node) {
        this.node = node;
        Arrays.setAll(writes, slot -> new DeviceWrite(gate, slot));
    }

    /** Keeps changes waiting until {@link #letGo}; waits until those in flight have ended. */
    public synchronized void hold() {
        if (held) {
            throw new IllegalStateException("the device is held already");
        }
        holdGate();
        held = true;
    }

    /** Ends {@link #hold}. */
    public synchronized void letGo() {
        if (held) {
            held = false;
            gate.letGo();
        }
    }

    /** Puts another node under the device; waits until the changes in flight have ended. */
    public synchronized void replace(Node other) {
        if (held) {
            node = other;
            return;
        }
        holdGate();
        try {
            node = other;
        } finally {
            gate.letGo();
        }
    }

    private void holdGate() {
        gate.hold();
        try {
            while (gate.countInside(_ -> true) > 0) {
                LockSupport.parkNanos(LOOK_NANOS);
            }
        } catch (RuntimeException | Error e) {
            gate.letGo();
            throw e;
        }
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

    @Override
    public void read(long offsetBytes, ByteBuffer into) throws IOException {
        node.io().read(offsetBytes, into);
    }

    @Override
    public boolean readAtOnce(long offsetBytes, ByteBuffer into) throws IOException {
        return node.io().readAtOnce(offsetBytes, into);
    }

    @Override
    public void willRead(long offsetBytes, long lengthBytes) {
        node.io().willRead(offsetBytes, lengthBytes);
    }

    @Override
    public long zeroBytes(long offsetBytes, long lengthBytes) throws IOException {
        return node.io().zeroBytes(offsetBytes, lengthBytes);
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

    @Override
    public void flush(Completion completion) {
        node.io().flush(completion);
    }

    @Override
    public List<StatusExtent> blockStatus(String context, long offsetBytes, long lengthBytes, int extentsMax)
            throws IOException {
        return node.io().blockStatus(context, offsetBytes, lengthBytes, extentsMax);
    }
}
