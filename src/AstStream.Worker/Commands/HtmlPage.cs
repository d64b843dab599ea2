using System.Globalization;
using System.Net;
using System.Text;
using AstStream.Streaming.Telemetry;

namespace AstStream.Worker.Commands;

/// <summary>One HTML file that needs nothing else: no script, no style sheet, no picture beside it.</summary>
internal sealed class HtmlPage(string title)
{
    private const string Style = """
        :root{--ink:#1c1e21;--soft:#6b7075;--paper:#fff;--line:#d9dce0;--a:#2563a8;--b:#c2571a;--c:#3d8a4e}
        @media(prefers-color-scheme:dark){:root{--ink:#e6e7e8;--soft:#9aa0a6;--paper:#16181b;--line:#3a3e43;
        --a:#7db2ee;--b:#f0a05c;--c:#7dcf8f}}
        body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:62rem;margin:2rem auto;padding:0 1rem}
        h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem}p{max-width:46rem}
        table{border-collapse:collapse;margin:.8rem 0;font-variant-numeric:tabular-nums}
        th,td{padding:.2rem .7rem;border-bottom:1px solid var(--line);text-align:right}th:first-child,td:first-child{text-align:left}
        .scroll{overflow-x:auto}.plots{display:flex;flex-wrap:wrap;gap:1.5rem}figure{margin:0}figcaption{font-weight:600}
        svg text{fill:var(--soft);font:11px system-ui,sans-serif}svg .axis{stroke:var(--line);fill:none}
        .s0{stroke:var(--a)}.s1{stroke:var(--b)}.s2{stroke:var(--c)}.f0{fill:var(--a)}.f1{fill:var(--b)}.f2{fill:var(--c)}
        """;

    private readonly StringBuilder _body = new();

    /// <summary>Text as HTML shows it: nothing in it is a tag.</summary>
    public static string Text(string? text) => WebUtility.HtmlEncode(Printable.Text(text ?? ""));

    /// <summary>A number as it is written everywhere.</summary>
    public static string Number(double value, string format = "0.###") =>
        double.IsFinite(value) ? value.ToString(format, CultureInfo.InvariantCulture) : "";

    public void Heading(string text) => _body.Append("<h2>").Append(Text(text)).AppendLine("</h2>");

    public void Paragraph(string text) => _body.Append("<p>").Append(Text(text)).AppendLine("</p>");

    /// <summary>A table of texts; the first row is its head.</summary>
    public void Table(IEnumerable<string[]> rows)
    {
        _body.AppendLine("<div class=\"scroll\"><table>");
        foreach (var (i, row) in rows.Index())
        {
            var cell = i == 0 ? "th" : "td";
            _body.Append("<tr>").AppendJoin("", row.Select(c => $"<{cell}>{Text(c)}</{cell}>")).AppendLine("</tr>");
        }

        _body.AppendLine("</table></div>");
    }

    /// <summary>Pictures beside one another, which are HTML already.</summary>
    public void Figures(IEnumerable<(string Caption, string Html)> figures)
    {
        _body.AppendLine("<div class=\"plots\">");
        foreach (var (caption, html) in figures)
            _body.Append("<figure><figcaption>").Append(Text(caption)).Append("</figcaption>").Append(html).AppendLine("</figure>");
        _body.AppendLine("</div>");
    }

    public override string ToString() => $"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width">
        <title>{Text(title)}</title>
        <style>
        {Style}
        </style>
        </head>
        <body>
        <h1>{Text(title)}</h1>
        {_body}</body>
        </html>

        """;
}
