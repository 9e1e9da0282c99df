package io.varve.core.job;

/** Whether an error stopped a job: QMP's BlockDeviceIoStatus. */
public enum IoStatus {
    OK("ok"),
    FAILED("failed"),
    NOSPACE("nospace");

    private final String qmpName;

    IoStatus(String qmpName) {
        this.qmpName = qmpName;
    }

    public String qmpName() {
        return qmpName;
    }
}
