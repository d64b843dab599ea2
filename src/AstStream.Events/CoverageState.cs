namespace AstStream.Events;

/// <summary>What became of an interval of a stream's time.</summary>
public enum CoverageState
{
    /// <summary>The model scored it.</summary>
    Analysed,

    /// <summary>It stayed within the stream's noise floor, and the gate kept it from the model.</summary>
    Gated,

    /// <summary>It was not heard, or not scored.</summary>
    Lost,
}
