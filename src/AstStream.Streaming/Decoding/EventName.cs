using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using AstStream.Events;

namespace AstStream.Streaming.Decoding;

/// <summary>Names events.</summary>
internal static class EventName
{
    /// <summary>
    /// The same for the same stream (and its start, where known), label, onset and model, so that whoever reads an event twice can tell.
    /// </summary>
    public static string Of(StreamIdentity stream, string label, long onset, string modelHash)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{stream.Id}\n{stream.StartTime:O}\n{label}\n{onset}\n{modelHash}");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..20];
    }
}
