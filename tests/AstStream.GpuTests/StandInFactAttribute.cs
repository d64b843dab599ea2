namespace AstStream.GpuTests;

/// <summary>A test over the stand-ins; skipped where they can't be built.</summary>
public sealed class StandInFactAttribute : FactAttribute
{
    public StandInFactAttribute() => Skip = StandIn.WhyMissing;
}
