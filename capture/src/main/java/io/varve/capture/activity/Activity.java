package io.varve.capture.activity;

/** What a drive's writes ask before they reach the image. Thread: safe for any thread that isn't interrupted. */
public interface Activity {
    /** Of a drive without an activity log: every write goes on. */
    Activity NONE = new Activity() {
        @Override
        public boolean admits(long offsetBytes, long lengthBytes) {
            return true;
        }

        @Override
        public void await(int slot, long offsetBytes, long lengthBytes) {}

        @Override
        public void awaitLease() {}
    };

    /**
     * Whether a write that is registered in flight may reach the image now. Costs a few reads, and allocates and waits
     * for nothing; when it's false, {@link #await} is next.
     */
    boolean admits(long offsetBytes, long lengthBytes);

    /** Waits until the write with this slot may reach the image; it has to be registered in flight. */
    void await(int slot, long offsetBytes, long lengthBytes);

    /** Waits until the agent may change the image's file, other than by a write. */
    void awaitLease();
}
