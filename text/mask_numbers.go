package text

import (
	"strconv"
	"strings"
	"time"
)

// The lengths, in digits, of what is masked: from a landline to a bank card.
const minNumber, maxNumber = 10, 19

// classify decides whether digit groups begin with a number to mask: the count of groups it takes (the most that
// make one; 0: none) and its mask.
func classify(groups []string) (n int, mask string) {
	for n := len(groups); n > 0; n-- {
		digits := strings.Join(groups[:n], "")
		if len(digits) < minNumber {
			break
		}
		if mask := maskNumber(digits, grouping(groups[:n])); mask != "" {
			return n, mask
		}
		if mask := maskInternational(groups[:n]); mask != "" {
			return n, mask
		}
	}
	return 0, ""
}

// maskInternational masks what follows China's country code, a group of its own or joined to a mobile number; there
// a landline has lost its 0.
func maskInternational(groups []string) string {
	for _, code := range []string{"86", "0086"} {
		rest, ok := strings.CutPrefix(groups[0], code)
		if !ok {
			continue
		}
		groups := append([]string{rest}, groups[1:]...)
		if rest == "" {
			if groups = groups[1:]; len(groups) == 0 {
				return ""
			}
		}
		digits := strings.Join(groups, "")
		if mask := maskPhone(digits, grouping(groups)); mask != "" {
			return code + " " + mask
		}
		groups[0] = "0" + groups[0]
		if mask := maskPhone("0"+digits, grouping(groups)); mask != "" && len(groups) > 1 {
			return code + " " + mask[1:]
		}
	}
	return ""
}

// grouping writes the sizes of groups, so that "110 120 119 12345" is not taken for a number: 3-4-4; "1" for
// digits written one by one.
func grouping(groups []string) string {
	single := len(groups) > 1
	sizes := make([]string, len(groups))
	for i, g := range groups {
		sizes[i] = strconv.Itoa(len(g))
		single = single && len(g) == 1
	}
	if single {
		return "1"
	}
	return strings.Join(sizes, "-")
}

// maskNumber returns the mask of the number, "" when it is none. shape is its grouping.
func maskNumber(digits, shape string) string {
	if mask := maskPhone(digits, shape); mask != "" {
		return mask
	}
	whole := isWhole(shape)
	if (whole || idShapes[shape]) && isIDNumber(digits) || (whole || isCardShape(shape)) && isBankCard(digits) {
		return strings.Repeat("*", len(digits))
	}
	return ""
}

func maskPhone(digits, shape string) string {
	switch {
	case isMobile(digits) && (isWhole(shape) || mobileShapes[shape]):
		return digits[:3] + "****" + digits[7:]
	case isLandline(digits, shape):
		return digits[:areaCode(digits)] + "-********"
	}
	return ""
}

// isWhole: all digits in one group, or one by one.
func isWhole(shape string) bool { return !strings.Contains(shape, "-") }

// How people group the numbers.
var (
	mobileShapes = set("3-4-4", "3-8", "7-4", "3-3-5", "4-4-3", "4-3-4", "5-6", "6-5", "3-4-2-2", "3-2-2-2-2")
	idShapes     = set("6-8-4", "6-4-4-4", "6-4-2-2-4", "4-4-4-4-2", "3-3-4-4-4", "6-6-6", "3-3-3-3-3-3", "10-8", "14-4", "6-6-3", "6-12", "4-4-4-6")
)

func set(names ...string) map[string]bool {
	m := map[string]bool{}
	for _, n := range names {
		m[n] = true
	}
	return m
}

func isMobile(digits string) bool {
	return len(digits) == 11 && digits[0] == '1' && digits[1] >= '3' && !strings.HasSuffix(digits, "X")
}

// isLandline wants the area code (0 and two or three digits), then seven or eight digits.
func isLandline(digits, shape string) bool {
	if len(digits) < 10 || len(digits) > 12 || digits[0] != '0' || digits[1] == '0' || strings.HasSuffix(digits, "X") {
		return false
	}
	code := areaCode(digits)
	if local := len(digits) - code; local != 7 && local != 8 {
		return false
	}
	first, _, _ := strings.Cut(shape, "-")
	return isWhole(shape) || first == strconv.Itoa(code)
}

// areaCode is the length of a landline's area code: 010, 020 to 029, else four digits.
func areaCode(digits string) int {
	if digits[1] == '1' || digits[1] == '2' {
		return 3
	}
	return 4
}

// isIDNumber: GB 11643. 18 characters with a right check character or a possible province and birthday, or the 15
// digits of before 1999, which have no check.
func isIDNumber(id string) bool {
	switch len(id) {
	case 18:
		if strings.ContainsRune(id[:17], 'X') {
			return false
		}
		return idCheck(id) || isProvince(id) && isDate(id[6:14])
	case 15:
		return !strings.HasSuffix(id, "X") && isProvince(id) && isDate("19"+id[6:12])
	}
	return false
}

// idCheck is ISO 7064 MOD 11-2.
func idCheck(id string) bool {
	sum, weight := 0, 1
	for i := 16; i >= 0; i-- {
		weight = weight * 2 % 11
		sum += int(id[i]-'0') * weight
	}
	return "10X98765432"[sum%11] == id[17]
}

// isProvince: the first two digits of GB/T 2260, with Taiwan, Hong Kong, Macau and the residence permits of 2018.
func isProvince(id string) bool {
	switch id[0] {
	case '1', '2', '3', '4', '5', '6':
		return id[1] <= '6' && id[1] >= '1' || id[0] == '3' && id[1] == '7' || id[0] == '5' && id[1] == '0'
	}
	return id[:2] == "71" || id[:2] == "81" || id[:2] == "82" || id[:2] == "83"
}

func isDate(yyyymmdd string) bool {
	at, err := time.Parse("20060102", yyyymmdd)
	return err == nil && at.Year() >= 1880 && at.Year() < 2100
}

func isCardShape(shape string) bool {
	if !strings.HasPrefix(shape, "4-4-4-") {
		return shape == "6-10" || shape == "6-12" || shape == "6-13" || shape == "8-8"
	}
	return len(shape) <= len("4-4-4-4-4")
}

// isBankCard: ISO/IEC 7812, 16 to 19 digits with a right Luhn digit. Payment cards begin with 3 to 6, old ones of
// ICBC with 9558; a row of years (2023 2024 ...) does not.
func isBankCard(digits string) bool {
	if len(digits) < 16 || len(digits) > 19 || strings.HasSuffix(digits, "X") || !strings.ContainsRune("34569", rune(digits[0])) {
		return false
	}
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
