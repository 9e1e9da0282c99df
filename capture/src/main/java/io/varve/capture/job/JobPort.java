package io.varve.capture.job;

import io.varve.core.job.JobError;
import io.varve.core.job.Operation;
import java.util.Optional;

/** Where a job's {@link Work} tells how it goes. Safe for any thread; never blocks. */
public interface JobPort {
    /** It met an error, and waits for {@link Work#act}. */
    void errorMet(Operation operation, boolean noSpace);

    /** It keeps up with its source from now on. */
    void ready();

    /** All but the appearance is done, or the error says why not. */
    void ended(Optional<JobError> error);

    /** Its target appeared, or the error says why it doesn't; nothing is under way any more. */
    void prepared(Optional<JobError> error);

    /** It can't go on, for a reason from without. */
    void failed(JobError error);
}
