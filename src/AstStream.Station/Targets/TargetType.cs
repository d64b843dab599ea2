using AstStream.Streaming.Definitions;

namespace AstStream.Station.Targets;

/// <summary>A type of target that pipelines can name.</summary>
/// <param name="Type">The value of `type`.</param>
/// <param name="Doc">What it is.</param>
/// <param name="Keys">Its keys, besides `type`.</param>
/// <param name="Read">Takes its values, and notes problems in them.</param>
internal sealed record TargetType(string Type, string Doc, IReadOnlyList<Key> Keys, Func<SectionReader, TargetSettings> Read)
    : ComponentType(Type, Doc, Keys)
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<TargetType> All { get; } =
    [
        NtfyTarget.Type, GotifyTarget.Type, TelegramTarget.Type, AppriseTarget.Type, WebhookTarget.Type, EmailTarget.Type,
        CommandTarget.Type,
    ];
}
