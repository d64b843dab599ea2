using System.Text;

namespace AstStream.Station.Store;

/// <summary>An event's id as a store keeps it: hexadecimal digits as half as many bytes, any other text as it is after a zero.</summary>
internal static class EventId
{
    public static byte[] Bytes(string id) => id.Length % 2 == 0 && id.Length > 0 && id.All(char.IsAsciiHexDigitLower)
        ? Convert.FromHexString(id) is [not 0, ..] bytes ? bytes : Marked(id) : Marked(id);

    public static string Text(byte[] bytes) =>
        bytes is [0, .. var text] ? Encoding.UTF8.GetString(text) : Convert.ToHexStringLower(bytes);

    private static byte[] Marked(string id) => [0, .. Encoding.UTF8.GetBytes(id)];
}
