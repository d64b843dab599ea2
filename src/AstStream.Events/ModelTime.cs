namespace AstStream.Events;

/// <summary>The time of records: samples at the models' rate, counted from the stream's start.</summary>
public static class ModelTime
{
    /// <summary>Samples a second.</summary>
    public const int SampleRate = 16_000;

    /// <summary>A sample's place in seconds.</summary>
    public static double Seconds(long sample) => (double)sample / SampleRate;
}
