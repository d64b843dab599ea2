namespace AstStream.Worker.Setup;

/// <summary>What somebody wants to be listened to, and to be told of.</summary>
internal sealed record SetupAnswers
{
    /// <summary>The stream's name in the pipeline.</summary>
    public required string Name { get; init; }

    /// <summary>A microphone's name; null for the default one, or where it is no microphone.</summary>
    public string? Device { get; init; }

    /// <summary>The sound system that offers it.</summary>
    public string? HostApi { get; init; }

    /// <summary>A camera's or a server's address, in place of a microphone. A login in it is kept apart.</summary>
    public string? Url { get; init; }

    /// <summary>A folder of recordings, in place of a microphone.</summary>
    public string? Folder { get; init; }

    /// <summary>The labels that people are told of; all where there are none.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    /// <summary>The topic at an ntfy server.</summary>
    public NtfyAnswer? Ntfy { get; init; }

    /// <summary>The broker that Home Assistant listens to.</summary>
    public MqttAnswer? Mqtt { get; init; }

    /// <summary>How the page is protected, where other machines may open it; null for this machine alone.</summary>
    public PageAnswer? Page { get; init; }
}
