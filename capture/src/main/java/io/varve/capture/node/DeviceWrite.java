package io.varve.capture.node;

import io.varve.capture.nbd.Completion;
import io.varve.capture.tracking.Gate;
import io.varve.formats.nbd.NbdError;

/** A slot of {@link DeviceIo}, and the write that has it: made once, so that a write makes nothing. */
final class DeviceWrite implements Completion {
    private final Gate gate;
    private final int slot;
    private Completion next = Idle.INSTANCE; // Whoever has the slot sets it; whoever ends the write reads it.

    DeviceWrite(Gate gate, int slot) {
        this.gate = gate;
        this.slot = slot;
    }

    DeviceWrite of(Completion completion) {
        next = completion;
        return this;
    }

    /** A bug ended the write, perhaps without telling it. */
    void abandon() {
        if (next != Idle.INSTANCE) {
            Completion _ = leave();
        }
    }

    private Completion leave() {
        Completion told = next;
        next = Idle.INSTANCE;
        gate.left(slot);
        return told;
    }

    @Override
    public boolean isAwaited() {
        return next.isAwaited();
    }

    @Override
    public void done() {
        leave().done();
    }

    @Override
    public void failed(NbdError error, String reason) {
        leave().failed(error, reason);
    }

    @Override
    public void failedPerhaps(String reason) {
        leave().failedPerhaps(reason);
    }

    /** Of no write. */
    private enum Idle implements Completion {
        INSTANCE;

        @Override
        public void done() {
            throw new IllegalStateException("a write ended twice");
        }

        @Override
        public void failed(NbdError error, String reason) {
            throw new IllegalStateException("a write ended twice: " + reason);
        }
    }
}
