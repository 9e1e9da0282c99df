package io.varve.capture.power;

/** The power is gone: nothing that runs on this host goes on, whatever it catches. */
public final class PowerCut extends Error {
    private static final long serialVersionUID = 1L;

    PowerCut() {
        super("the power was cut");
    }
}
