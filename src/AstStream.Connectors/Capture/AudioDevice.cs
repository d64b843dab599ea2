namespace AstStream.Connectors.Capture;

/// <summary>A device that sound can be taken from.</summary>
/// <param name="Index">Its number in PortAudio's list, which changes when devices come and go.</param>
/// <param name="HostApi">The system that offers it: ALSA, JACK, Core Audio.</param>
/// <param name="Name">Its name there.</param>
/// <param name="Channels">The most channels that it gives.</param>
/// <param name="SampleRate">The rate that it likes best.</param>
/// <param name="LowLatency">The least latency that it holds, in seconds.</param>
/// <param name="HighLatency">The latency that is safe, in seconds.</param>
/// <param name="IsDefault">Whether it is the one to take where none is named.</param>
public sealed record AudioDevice(
    int Index, string HostApi, string Name, int Channels, double SampleRate, double LowLatency, double HighLatency, bool IsDefault)
{
    /// <summary>Its name at a sound server; null for a device that PortAudio lists itself.</summary>
    public string? ServerSource { get; init; }

    /// <summary>Whether it hears what this machine plays, and not what is around it.</summary>
    public bool IsMonitor { get; init; }

    /// <summary>Whether it is the one that its sound server takes where none is named.</summary>
    public bool IsServerDefault { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{HostApi}: {Name}";
}
