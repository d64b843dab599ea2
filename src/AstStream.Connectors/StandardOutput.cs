using System.Text;
using Microsoft.Win32.SafeHandles;

namespace AstStream.Connectors;

/// <summary>Standard output as it is. .NET's console stream hides a closed pipe: a run would go on for months for nobody.</summary>
internal static class StandardOutput
{
    /// <summary>A writer that reports a closed pipe as an IOException.</summary>
    public static TextWriter Open()
    {
        var file = new FileStream(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);

        // A file that others append to as well is left to the console stream, which keeps no position of its own.
        Stream stream = file.CanSeek ? Console.OpenStandardOutput() : file;
        return new StreamWriter(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { NewLine = "\n" };
    }
}
