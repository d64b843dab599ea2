namespace AstStream.GpuTests;

/// <summary>A test over the stand-ins with several cases; skipped where they can't be built.</summary>
public sealed class StandInTheoryAttribute : TheoryAttribute
{
    public StandInTheoryAttribute() => Skip = StandIn.WhyMissing;
}
