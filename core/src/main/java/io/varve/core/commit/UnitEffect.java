package io.varve.core.commit;

/** What a unit's next state asks for; each may be performed again without harm. */
public sealed interface UnitEffect {
    record Send(Task task) implements UnitEffect {}

    /** Say again what is decided, to an agent that asks. */
    record Tell(Outcome.Decided decided) implements UnitEffect {}
}
