package io.varve.transfer;

/** What an image that's stored but for its appearance waits for: other copies that must succeed with it. */
@FunctionalInterface
public interface Appearance {
    /**
     * Returns when the image may appear; called once, on the copying thread, which a cancelled copy interrupts.
     *
     * @throws InterruptedException when the copy was cancelled
     */
    void await() throws InterruptedException;
}
