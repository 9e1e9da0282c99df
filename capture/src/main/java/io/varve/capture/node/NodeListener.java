package io.varve.capture.node;

/** Hears of what may be offered to guests, by the names of nodes and devices. */
public interface NodeListener {
    /** Called under the lock of {@link NodeGraph}: must be quick. */
    void offered(String name, Node node, boolean isDevice);

    /** Another node is under a device; whoever writes through it is to notice nothing, where that can be done. */
    default void replaced(String device, Node node) {
        withdrawn(device);
        offered(device, node, true);
    }

    /** Whoever writes through a device is to wait from now on, and has ended what was begun; may take a while. */
    default void held(String device) {}

    /** Ends what {@link #held} began. */
    default void letGo(String device) {}

    void withdrawn(String name);
}
