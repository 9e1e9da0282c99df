package io.varve.transfer;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;

/**
 * One copy as others see it: how far it is, and a way to cancel it. Safe for any thread.
 *
 * <pre>
 * ready ── begin ──→ running ── seal ──→ sealed: the image is about to appear, it's too late to cancel
 *   └── cancel ─────────┴── cancel ──→ cancelled: the copying thread has been interrupted
 * </pre>
 */
public final class CopyControl {
    private sealed interface State {
        record Ready() implements State {}

        record Running(Thread copier) implements State {}

        record Sealed() implements State {}

        record Cancelled() implements State {}
    }

    private final InstantSource clock;
    private final Appearance appearance;
    private final CopyPace pace;

    /** These are guarded by this. */
    private State state = new State.Ready();

    private Optional<Instant> begun = Optional.empty();
    private long copiedBytes;
    private long totalBytes;

    /** Of a copy whose image appears as soon as it's whole. */
    public CopyControl(InstantSource clock) {
        this(clock, () -> {});
    }

    public CopyControl(InstantSource clock, Appearance appearance) {
        this(clock, appearance, CopyPace.FREE);
    }

    public CopyControl(InstantSource clock, Appearance appearance, CopyPace pace) {
        this.clock = clock;
        this.appearance = appearance;
        this.pace = pace;
    }

    CopyPace pace() {
        return pace;
    }

    /** Ends the copy soon, unless its image is about to appear; returns at once. Further calls do nothing. */
    public synchronized void cancel() {
        switch (state) {
            case State.Ready _ -> state = new State.Cancelled();
            case State.Running(Thread copier) -> {
                state = new State.Cancelled();
                copier.interrupt();
            }
            case State.Sealed _, State.Cancelled _ -> {}
        }
    }

    public synchronized CopyProgress progress() {
        Duration elapsed =
                begun.map(start -> Duration.between(start, clock.instant())).orElse(Duration.ZERO);
        return new CopyProgress(copiedBytes, totalBytes, elapsed);
    }

    /** The calling thread begins to copy. */
    synchronized void begin(long bytes) throws InterruptedException {
        begun = Optional.of(clock.instant());
        totalBytes = bytes;
        state = switch (state) {
            case State.Ready _ -> new State.Running(Thread.currentThread());
            case State.Cancelled _ -> throw new InterruptedException("cancelled before it began");
            case State.Running _, State.Sealed _ -> throw new IllegalStateException("a control is for one copy");
        };
    }

    synchronized void advance(long bytes) {
        copiedBytes += bytes;
    }

    /** Waits until the image, all of which is stored, may appear. */
    void awaitAppearance() throws InterruptedException {
        appearance.await();
    }

    /** From now on nobody can cancel. */
    synchronized void seal() throws InterruptedException {
        state = switch (state) {
            case State.Running _ -> new State.Sealed();
            case State.Cancelled _ -> throw new InterruptedException("cancelled before its image appeared");
            case State.Ready _, State.Sealed _ -> throw new IllegalStateException("sealed without having begun");
        };
    }

    /**
     * The calling thread copies no more, and isn't interrupted any more.
     *
     * @return was it cancelled?
     */
    synchronized boolean end() {
        return switch (state) {
            case State.Cancelled _ -> {
                Thread.interrupted();
                yield true;
            }
            case State.Ready _, State.Running _, State.Sealed _ -> {
                state = new State.Sealed();
                yield false;
            }
        };
    }
}
