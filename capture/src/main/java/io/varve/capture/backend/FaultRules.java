package io.varve.capture.backend;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Rules for faults, and the state that they are in: pure, each event gives the rules that hold after it.
 *
 * <pre>
 *   at an event: of the rules for it and for the present state
 *     the first InjectError that concerns the request makes it fail, and goes if it's for once
 *     the last SetState gives the state after the event
 * </pre>
 *
 * @param state 1 at first
 */
public record FaultRules(List<FaultRule> rules, int state) {
    static final int SECTOR_BYTES = 512;
    private static final int FIRST_STATE = 1;

    /** What an event does: the rules from then on, and the fault if the request is to fail. */
    public record Evaluation(FaultRules next, Optional<FaultRule.InjectError> fault) {}

    public FaultRules {
        rules = List.copyOf(rules);
    }

    public static FaultRules of(List<FaultRule> rules) {
        return new FaultRules(rules, FIRST_STATE);
    }

    /** An event of a request for a range; a flush has an empty one. */
    public Evaluation on(FaultEvent event, long offsetBytes, long lengthBytes) {
        Optional<FaultRule.InjectError> fault = Optional.empty();
        int newState = state;
        List<FaultRule> left = new ArrayList<>();
        for (FaultRule rule : rules) {
            boolean spent = false;
            switch (rule) {
                case FaultRule.InjectError inject -> {
                    if (fault.isEmpty() && applies(rule, event) && inject.concerns(offsetBytes, lengthBytes)) {
                        fault = Optional.of(inject);
                        spent = inject.once();
                    }
                }
                case FaultRule.SetState set -> newState = applies(rule, event) ? set.newState() : newState;
            }
            if (!spent) {
                left.add(rule);
            }
        }
        return new Evaluation(new FaultRules(left, newState), fault);
    }

    private boolean applies(FaultRule rule, FaultEvent event) {
        return rule.event() == event && (rule.state() == FaultRule.ANY_STATE || rule.state() == state);
    }
}
