package io.varve.core.job;

/** QMP's JobType, as far as we have them. */
public enum JobType {
    BACKUP("backup"),
    /** Of an image; the one that block-job-* commands don't know. */
    CREATE("create"),
    COMMIT("commit"),
    MIRROR("mirror");

    private final String qmpName;

    JobType(String qmpName) {
        this.qmpName = qmpName;
    }

    public String qmpName() {
        return qmpName;
    }

    public boolean isBlockJob() {
        return this != CREATE;
    }

    /** Whether it may become ready, and then ends on a word: a soft cancel lets it end well, without switching over. */
    public boolean endsOnAWord() {
        return switch (this) {
            case COMMIT, MIRROR -> true;
            case BACKUP, CREATE -> false;
        };
    }
}
