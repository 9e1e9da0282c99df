package io.varve.core.job;

/** What failed: QMP's IoOperationType. */
public enum Operation {
    READ("read"),
    WRITE("write");

    private final String qmpName;

    Operation(String qmpName) {
        this.qmpName = qmpName;
    }

    public String qmpName() {
        return qmpName;
    }
}
