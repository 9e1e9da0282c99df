package io.varve.capture.qmp;

/** A command's error reply on its way out; never leaves this package. */
final class QmpException extends Exception {
    private static final long serialVersionUID = 1L;
    private final ErrorClass errorClass;
    private final String description;

    /** QMP's error classes. */
    enum ErrorClass {
        GENERIC("GenericError"),
        COMMAND_NOT_FOUND("CommandNotFound"),
        DEVICE_NOT_ACTIVE("DeviceNotActive"),
        DEVICE_NOT_FOUND("DeviceNotFound");

        private final String qmpName;

        ErrorClass(String qmpName) {
            this.qmpName = qmpName;
        }

        String qmpName() {
            return qmpName;
        }
    }

    QmpException(ErrorClass errorClass, String description) {
        super(description, null, false, false);
        this.errorClass = errorClass;
        this.description = description;
    }

    static QmpException generic(String description) {
        return new QmpException(ErrorClass.GENERIC, description);
    }

    ErrorClass errorClass() {
        return errorClass;
    }

    String description() {
        return description;
    }
}
